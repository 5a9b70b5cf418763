import { tf, unitRows } from '@codebeam/backend';
import type { Embeddings } from '@codebeam/data';
import { balanceLastLevel, takeFreeCodes } from './balance-last-level.js';
import type { RqvaeConfig } from './config.js';
import { decode, encode, normaliseInputs, quantize, type RqvaeParams } from './rqvae.js';
import { appendSemanticIds, assignSemanticIds, type SemanticIds } from './semantic-ids.js';
import type { Reconstruction } from './tokenizer-report.js';

/**
 * The semantic IDs of a catalogue under a trained tokenizer: codes, with `balanceLastLevel` spread over the last level,
 * then collision codes.
 *
 * @param embeddings  one row per item, in the order of item ids
 */
export async function generateSemanticIds(
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
): Promise<SemanticIds> {
  const { levels, codebookSize, distance } = config;
  const { codes, lastResiduals } = await quantizeItems(params, embeddings, config);
  if (!config.balanceLastLevel) return assignSemanticIds(codes, levels, codebookSize);
  const last = params.codebooks[levels - 1];
  const balanced = balanceLastLevel(codes, lastResiduals, await last.data<'float32'>(), {
    levels,
    dim: last.shape[1],
    distance,
  });
  return assignSemanticIds(balanced.codes, levels, codebookSize);
}

/**
 * The IDs of a catalogue that has grown: those of the old items as they are, then those of new items under the same tokenizer, which
 * need not be trained again. With `balanceLastLevel` they take last codes that are free. A TIGER that was trained on the old IDs takes the
 * new ones as long as no collision code is new, which `sizes` tells.
 *
 * @param embeddings  of the new items; they become items N .. N+M-1
 */
export async function extendSemanticIds(
  ids: SemanticIds,
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
): Promise<SemanticIds> {
  const { levels, distance } = config;
  const { codes, lastResiduals } = await quantizeItems(params, embeddings, config);
  if (!config.balanceLastLevel) return appendSemanticIds(ids, codes);
  const last = params.codebooks[levels - 1];
  const options = { levels, dim: last.shape[1], distance };
  return appendSemanticIds(ids, takeFreeCodes(ids.codes, codes, lastResiduals, await last.data<'float32'>(), options));
}

/**
 * Every item's codes by nearest code vectors.
 *
 * @returns codes [N*L] · lastResiduals [N*D], what the last level quantized (at length 1 with normaliseResiduals)
 */
export async function quantizeItems(
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
): Promise<{ codes: Int32Array; lastResiduals: Float32Array }> {
  const dim = params.codebooks[0].shape[1];
  const codes = new Int32Array(embeddings.rows * config.levels);
  const lastResiduals = new Float32Array(embeddings.rows * dim);
  await forChunks(embeddings, async (x, start) => {
    const [chunkCodes, residual] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
      const quantization = quantize(params, encode(params, normaliseInputs(params, x, config)), config);
      const last = quantization.residuals[config.levels - 1]; // [B, D]
      return [tf.stack(quantization.codes, 1), config.normaliseResiduals ? unitRows(last) : last];
    });
    codes.set(await chunkCodes.data<'int32'>(), start * config.levels);
    lastResiduals.set(await residual.data<'float32'>(), start * dim);
    tf.dispose([chunkCodes, residual]);
  });
  return { codes, lastResiduals };
}

/** [N*D] every item's latent. */
export async function encodeItems(
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
): Promise<Float32Array> {
  const dim = params.codebooks[0].shape[1];
  const latents = new Float32Array(embeddings.rows * dim);
  await forChunks(embeddings, async (x, start) => {
    const latent = tf.tidy(() => encode(params, normaliseInputs(params, x, config)));
    latents.set(await latent.data<'float32'>(), start * dim);
    latent.dispose();
  });
  return latents;
}

/** How well the decoder restores all items from their code vectors. */
export async function evaluateReconstruction(
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
): Promise<Reconstruction> {
  let squares = 0;
  let cosines = 0;
  await forChunks(embeddings, async (x) => {
    const sums = tf.tidy(() => {
      const inputs = normaliseInputs(params, x, config); // [B, E]
      const restored = decode(params, quantize(params, encode(params, inputs), config).quantized);
      const lengths = tf.mul(tf.norm(inputs, 2, 1), tf.norm(restored, 2, 1)); // [B]
      const cosine = tf.div(tf.sum(tf.mul(inputs, restored), 1), tf.maximum(lengths, 1e-12));
      return tf.stack([tf.sum(tf.squaredDifference(inputs, restored)), tf.sum(cosine)]);
    });
    const [square, cosine] = await sums.data();
    sums.dispose();
    squares += square;
    cosines += cosine;
  });
  const mse = squares / embeddings.values.length;
  return { mse, rmse: Math.sqrt(mse), cosineSimilarity: cosines / embeddings.rows };
}

/** Calls `f` with [B, E] rows and the first one's number; bounds what is on the device at once. */
async function forChunks(
  { values, rows, dim }: Embeddings,
  f: (x: tf.Tensor2D, start: number) => Promise<void>,
): Promise<void> {
  const chunk = 2048;
  for (let start = 0; start < rows; start += chunk) {
    const count = Math.min(chunk, rows - start);
    const x = tf.tensor2d(values.subarray(start * dim, (start + count) * dim), [count, dim]);
    await f(x, start);
    x.dispose();
  }
}
