import { type Distance, rowLengths, tf, unitRows, vectorQuantize } from '@codebeam/backend';
import { stopGradient, withoutGradient } from './stop-gradient.js';

export interface Quantization {
  /** L x [B] int32 in [0, K) */
  codes: tf.Tensor1D[];
  /** L x [B, D], what each level was given to quantize; the first is the latent. */
  residuals: tf.Tensor2D[];
  /** L x [B, D], the code vectors taken, differentiable with respect to the codebooks. */
  codeVectors: tf.Tensor2D[];
  /** [B, D], the sum of the code vectors, a constant to differentiation: pass it through a `GradientEstimator`. */
  quantized: tf.Tensor2D;
}

/**
 * Residual quantization: each level takes the code nearest to what the earlier levels left over.
 * Rajput et al. 2023 (TIGER), sec. 3.1; Lee et al. 2022, sec. 3.1. Code vectors are subtracted as constants, so that
 * the commitment loss of every level reaches the encoder.
 *
 * @param latent     [B, D] float32
 * @param codebooks  L tensors [K, D]
 * @param normaliseResiduals  quantize each residual at length 1 and give the code vector the residual's length: codes
 *                            then tell direction only, as in the residual k-means of Ju et al. 2025 (GRID)
 * @throws RangeError when a codebook's width is not D
 */
export function residualQuantize(
  latent: tf.Tensor2D,
  codebooks: readonly tf.Tensor2D[],
  { distance, normaliseResiduals = false }: { distance: Distance; normaliseResiduals?: boolean },
): Quantization {
  const codes: tf.Tensor1D[] = [];
  const residuals: tf.Tensor2D[] = [];
  const codeVectors: tf.Tensor2D[] = [];
  let residual = latent;
  for (const codebook of codebooks) {
    const quantizeLevel = normaliseResiduals ? quantizeDirections : vectorQuantize;
    const level = quantizeLevel(residual, codebook, distance);
    codes.push(level.codes);
    residuals.push(residual);
    codeVectors.push(level.codeVectors);
    residual = level.rest;
  }
  return { codes, residuals, codeVectors, quantized: withoutGradient(() => tf.addN(codeVectors)) };
}

/** `vectorQuantize` at length 1, its code vectors given the lengths of the rows. */
function quantizeDirections(x: tf.Tensor2D, codebook: tf.Tensor2D, distance: Distance) {
  const lengths = withoutGradient(() => rowLengths(x)); // [B, 1]
  const level = vectorQuantize(tf.div(x, lengths), codebook, distance);
  const codeVectors: tf.Tensor2D = tf.mul(level.codeVectors, lengths); // [B, D]
  return { codes: level.codes, codeVectors, rest: tf.sub(x, stopGradient(codeVectors)) as tf.Tensor2D };
}

/**
 * [B, D] the sum of the code vectors of given codes: what the decoder reads.
 *
 * @param codes  L x [B] int32
 */
export function sumCodeVectors(codes: readonly tf.Tensor1D[], codebooks: readonly tf.Tensor2D[]): tf.Tensor2D {
  return tf.addN(codes.map((code, level) => tf.gather(codebooks[level], code)));
}

/** Has the values of `quantized` [B, D] and hands the decoder's gradient on to `latent` [B, D]. */
export type GradientEstimator = (latent: tf.Tensor2D, quantized: tf.Tensor2D) => tf.Tensor2D;

/** The gradient passes unchanged. van den Oord et al. 2017, sec. 3.2. */
export const straightThrough: GradientEstimator = (latent, quantized) =>
  tf.add(
    latent,
    withoutGradient(() => tf.sub(quantized, latent)),
  );

/**
 * The gradient is rotated and scaled as the latent is on its way to its quantized vector, which keeps the angle between
 * gradient and vector. Fifty et al. 2024, sec. 4: q = (|q| / |e|) R e with the rotation held constant,
 * R = I - 2 r r' + 2 q^ e^', r the unit vector halfway between the unit vectors e^ and q^.
 */
export const rotationTrick: GradientEstimator = (latent, quantized) => {
  const dot = (x: tf.Tensor2D, y: tf.Tensor2D) => tf.sum(tf.mul(x, y), 1, true); // [B, 1]
  const from = withoutGradient(() => unitRows(latent));
  const to = withoutGradient(() => unitRows(quantized));
  const halfway = withoutGradient(() => unitRows(tf.add(from, to)));
  const scale = withoutGradient(() => tf.div(rowLengths(quantized), rowLengths(latent)));
  const rotated = tf.add(
    tf.sub(latent, tf.mul(tf.mul(2, dot(latent, halfway)), halfway)),
    tf.mul(tf.mul(2, dot(latent, from)), to),
  );
  return tf.mul(rotated, scale);
};
