import { rmsNorm as normalise, tf } from '@codebeam/backend';

/** weight [D]. */
export type RmsNorm = { weight: tf.Tensor1D };

export function initRmsNorm(width: number): RmsNorm {
  return { weight: tf.ones([width]) as tf.Tensor1D };
}

/** As in T5. */
export const rmsNormEpsilon = 1e-6;

/**
 * x / rms(x) * weight: layer norm without mean and bias, as T5 uses it.
 * Zhang & Sennrich 2019, eq. 4.
 *
 * @param x  [..., D]
 */
export function rmsNorm<T extends tf.Tensor>({ weight }: RmsNorm, x: T): T {
  return normalise(x, weight, rmsNormEpsilon);
}
