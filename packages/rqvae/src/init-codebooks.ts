import { tf } from '@codebeam/backend';
import type { Embeddings } from '@codebeam/data';
import { foldIn, type Key, permutation } from '@codebeam/random';
import type { RqvaeConfig } from './config.js';
import { initEma } from './ema.js';
import { encodeItems } from './generate-semantic-ids.js';
import { residualKmeans } from './kmeans.js';
import type { RqvaeParams } from './rqvae.js';

/**
 * Places the codebooks by k-means on the items' latents, level by level: the start of RQ-VAE's training (Rajput et al.
 * 2023, sec. 3.1), and the whole of residual k-means'.
 *
 * @returns the parameters with the new codebooks; those they replace are disposed
 */
export async function initCodebooks(
  params: RqvaeParams,
  embeddings: Embeddings,
  config: RqvaeConfig,
  key: Key,
): Promise<RqvaeParams> {
  const dim = params.codebooks[0].shape[1];
  const latents = await encodeItems(params, sampleRows(embeddings, config.kmeansSample, foldIn(key, 0)), config);
  const { codebooks } = await residualKmeans(latents, dim, {
    ...config,
    iterations: config.kmeansIterations,
    key: foldIn(key, 1),
  });
  return replaceCodebooks(params, codebooks);
}

/** The parameters with other codebooks, L x [K*D], and averages that start from them; the old ones are disposed. */
export function replaceCodebooks(params: RqvaeParams, codebooks: readonly Float32Array[]): RqvaeParams {
  const tensors = codebooks.map((values, level) => tf.tensor2d(values, params.codebooks[level].shape));
  tf.dispose([params.codebooks, params.ema]);
  return { ...params, codebooks: tensors, ema: params.ema.length > 0 ? tensors.map(initEma) : [] };
}

/** All rows, or `count` of them at random. */
function sampleRows(embeddings: Embeddings, count: number, key: Key): Embeddings {
  const { values, rows, dim } = embeddings;
  if (rows <= count) return embeddings;
  const sample = new Float32Array(count * dim);
  permutation(key, rows)
    .subarray(0, count)
    .sort()
    .forEach((row, i) => {
      sample.set(values.subarray(row * dim, (row + 1) * dim), i * dim);
    });
  return { values: sample, rows: count, dim };
}
