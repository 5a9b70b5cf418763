/**
 * RQ-VAE: an autoencoder whose latent is residual-quantized; an item's codes are its semantic ID.
 * Rajput et al. 2023 (TIGER), sec. 3.1 and 4.1; Lee et al. 2022 for the residual quantizer.
 *
 * Shapes: B batch, N items, E embedding width, D latent width, L levels, K codebook size.
 * Differs from the paper: inputs are normalised (raw sentence embeddings collapse to few codes), unused codes are reset,
 * AdamW takes the place of Adagrad (whose rate of 0.4 collapses). Residual k-means is the case without layers: encoder
 * and decoder are the identity, and the codebooks come from k-means alone.
 */
import { tf, unitRows } from '@codebeam/backend';
import type { Embeddings } from '@codebeam/data';
import { initMlp, type Mlp, mlp, normal } from '@codebeam/nn';
import { foldIn, type Key } from '@codebeam/random';
import type { RqvaeConfig } from './config.js';
import { type EmaCodebook, initEma, updateEma } from './ema.js';
import { codebookLoss, commitmentLoss, reconstructionLoss } from './losses.js';
import {
  type GradientEstimator,
  type Quantization,
  residualQuantize,
  rotationTrick,
  straightThrough,
} from './residual-quantizer.js';

export type RqvaeParams = {
  /** Not trained: [E] each, x -> (x - mean) / scale. */
  normalisation: { mean: tf.Tensor1D; scale: tf.Tensor1D };
  encoder: Mlp;
  /** L x [K, D] */
  codebooks: tf.Tensor2D[];
  decoder: Mlp;
  /** Not trained by gradient; one per level with codebookUpdate 'ema', else empty. */
  ema: EmaCodebook[];
};

/**
 * Parameters before training. The normalisation is measured on the embeddings; the codebooks are normal deviates until
 * `initCodebooks` places them.
 *
 * @throws RangeError when an embedding is not finite
 */
export function initRqvae(key: Key, embeddings: Embeddings, config: RqvaeConfig): RqvaeParams {
  const { levels, codebookSize, latentDim, hiddenDims, codebookUpdate } = config;
  const hasLayers = config.tokenizer === 'rqvae';
  const widths = [embeddings.dim, ...hiddenDims, latentDim];
  const dim = hasLayers ? latentDim : embeddings.dim;
  const codebooks = Array.from({ length: levels }, (_, level) =>
    normal<tf.Rank.R2>(foldIn(foldIn(key, 2), level), [codebookSize, dim], dim ** -0.5),
  );
  return {
    normalisation: measureNormalisation(embeddings, config.inputNormalisation),
    encoder: hasLayers ? initMlp(foldIn(key, 0), widths) : [],
    codebooks,
    decoder: hasLayers ? initMlp(foldIn(key, 1), widths.toReversed()) : [],
    ema: hasLayers && codebookUpdate === 'ema' ? codebooks.map(initEma) : [],
  };
}

/** Which parameters the optimizer moves, by flat name. */
export function isTrainable(config: RqvaeConfig): (name: string) => boolean {
  const fixed = config.codebookUpdate === 'ema' ? /^(normalisation|ema|codebooks)\./ : /^(normalisation|ema)\./;
  return (name) => !fixed.test(name);
}

/** [B, E] embeddings -> [B, E] what the encoder reads and the decoder restores. */
export function normaliseInputs(params: RqvaeParams, x: tf.Tensor2D, config: RqvaeConfig): tf.Tensor2D {
  const { mean, scale } = params.normalisation;
  if (x.shape[1] !== mean.shape[0]) {
    throw new RangeError(
      `rqvae: embedding width must be ${mean.shape[0]} as in training, got ${x.shape[1]}; use the same text encoder`,
    );
  }
  if (config.inputNormalisation === 'l2') {
    // Length sqrt(E) rather than 1: components of the size that the initial weights expect.
    return tf.mul(unitRows(x), Math.sqrt(x.shape[1]));
  }
  return tf.div(tf.sub(x, mean), scale);
}

/** [B, E] normalised inputs -> [B, D] */
export function encode(params: RqvaeParams, inputs: tf.Tensor2D): tf.Tensor2D {
  return mlp(params.encoder, inputs);
}

/** [B, D] -> [B, D], codes and residuals. */
export function quantize(params: RqvaeParams, latent: tf.Tensor2D, config: RqvaeConfig): Quantization {
  return residualQuantize(latent, params.codebooks, config);
}

/** [B, D] quantized latents -> [B, E] normalised inputs */
export function decode(params: RqvaeParams, quantized: tf.Tensor2D): tf.Tensor2D {
  return mlp(params.decoder, quantized);
}

/**
 * The training loss of a batch: reconstruction + codebook + beta commitment (sec. 3.1), squared norms summed over
 * components, mean over the batch. With EMA codebooks their new values are among the updates instead of a codebook loss.
 *
 * @param inputs  [B, E] normalised
 */
export function rqvaeLoss(
  params: RqvaeParams,
  inputs: tf.Tensor2D,
  config: RqvaeConfig,
): { loss: tf.Scalar; metrics: Record<string, tf.Scalar>; updates: Record<string, tf.Tensor> } {
  const latent = encode(params, inputs); // [B, D]
  const quantization = quantize(params, latent, config);
  const { codes, residuals, codeVectors, quantized } = quantization;
  const reconstructed = decode(params, estimators[config.quantize](latent, quantized)); // [B, E]

  const reconstruction = reconstructionLoss(inputs, reconstructed);
  const commitment = commitmentLoss(residuals, codeVectors);
  const autoencoder: tf.Scalar = tf.add(reconstruction, tf.mul(config.commitmentWeight, commitment));
  if (config.codebookUpdate === 'ema') {
    const updates: Record<string, tf.Tensor> = {};
    params.ema.forEach((average, level) => {
      const { counts, sums, codebook } = updateEma(average, residuals[level], codes[level], config.emaDecay);
      updates[`ema.${level}.counts`] = counts;
      updates[`ema.${level}.sums`] = sums;
      updates[`codebooks.${level}`] = codebook;
    });
    return { loss: autoencoder, metrics: { reconstruction, commitment }, updates };
  }
  const codebook = codebookLoss(residuals, codeVectors);
  return {
    loss: tf.add(autoencoder, codebook),
    metrics: { reconstruction, commitment, codebook },
    updates: {},
  };
}

const estimators: Record<RqvaeConfig['quantize'], GradientEstimator> = {
  'straight-through': straightThrough,
  rotation: rotationTrick,
};

function measureNormalisation(
  { values, rows, dim }: Embeddings,
  normalisation: RqvaeConfig['inputNormalisation'],
): RqvaeParams['normalisation'] {
  const mean = new Float64Array(dim);
  const variance = new Float64Array(dim);
  for (let i = 0; i < rows * dim; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(
        `rqvae: embeddings must be finite, got ${values[i]} for item ${Math.floor(i / dim)}, component ${i % dim}; look at its text`,
      );
    }
    mean[i % dim] += values[i] / rows;
  }
  for (let i = 0; i < rows * dim; i++) variance[i % dim] += (values[i] - mean[i % dim]) ** 2 / rows;
  for (const [component, value] of variance.entries()) {
    // What rounding leaves of a constant component; the bound is scikit-learn's StandardScaler's.
    const rounding = rows * Number.EPSILON;
    if (value <= rounding * value + (rounding * mean[component]) ** 2) variance[component] = 0;
  }
  const total = variance.reduce((sum, v) => sum + v, 0) / dim;
  const tensors = (scale: (component: number) => number) => ({
    mean: tf.tensor1d(Float32Array.from(mean)),
    scale: tf.tensor1d(Float32Array.from({ length: dim }, (_, i) => Math.sqrt(scale(i)) || 1)),
  });
  switch (normalisation) {
    case 'standardise':
      return tensors((component) => variance[component]);
    case 'rms':
      return tensors(() => total);
    case 'l2':
    case 'none':
      return { mean: tf.zeros([dim]), scale: tf.ones([dim]) };
    default:
      return normalisation satisfies never;
  }
}
