import { tf } from '@codebeam/backend';

/** weight [D]. */
export type RmsNorm = { weight: tf.Tensor1D };

export function initRmsNorm(width: number): RmsNorm {
  return { weight: tf.ones([width]) as tf.Tensor1D };
}

/**
 * x / rms(x) * weight: layer norm without mean and bias, as T5 uses it.
 * Zhang & Sennrich 2019, eq. 4; epsilon as in T5.
 *
 * @param x  [..., D]
 */
export function rmsNorm<T extends tf.Tensor>({ weight }: RmsNorm, x: T): T {
  const meanSquare = tf.mean(tf.square(x), -1, true); // [..., 1]
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, 1e-6))), weight);
}
