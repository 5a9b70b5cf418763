import { tf } from '@codebeam/backend';
import { withoutGradient } from './stop-gradient.js';

/** Running averages for one codebook: how many vectors each code got [K], and their sums [K, D]. */
export type EmaCodebook = { counts: tf.Tensor1D; sums: tf.Tensor2D };

/** Averages that reproduce the given codebook [K, D]. */
export function initEma(codebook: tf.Tensor2D): EmaCodebook {
  return { counts: tf.ones([codebook.shape[0]]), sums: tf.clone(codebook) };
}

/**
 * Moves each code vector to the running mean of the vectors that chose it, instead of by gradient.
 * van den Oord et al. 2017, appendix A.1, eq. 6-8, with Razavi et al.'s (2019) Laplace smoothing of the counts,
 * so that a code which nothing chooses stays finite.
 *
 * @param residuals  [B, D] what this level quantized
 * @param codes      [B] int32, the codes it chose
 * @param decay      weight of the past in [0, 1)
 */
export function updateEma(
  { counts, sums }: EmaCodebook,
  residuals: tf.Tensor2D,
  codes: tf.Tensor1D,
  decay: number,
): EmaCodebook & { codebook: tf.Tensor2D } {
  const codebookSize = counts.shape[0];
  const blend = <T extends tf.Tensor>(old: T, fresh: tf.Tensor): T =>
    tf.add(tf.mul(decay, old), tf.mul(1 - decay, fresh)) as T;
  const newCounts = withoutGradient(() =>
    blend(counts, tf.unsortedSegmentSum(tf.ones([codes.shape[0]]), codes, codebookSize)),
  ); // [K]
  const newSums = withoutGradient(() => blend(sums, tf.unsortedSegmentSum(residuals, codes, codebookSize))); // [K, D]
  const codebook = withoutGradient(() => {
    const total = tf.sum(newCounts);
    const smoothed = tf.mul(tf.add(newCounts, 1e-5), tf.div(total, tf.add(total, codebookSize * 1e-5)));
    return tf.div(newSums, tf.expandDims(smoothed, 1)) as tf.Tensor2D; // [K, D]
  });
  return { counts: newCounts, sums: newSums, codebook };
}
