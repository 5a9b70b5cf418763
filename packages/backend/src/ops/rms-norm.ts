import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * x / rms(x) * weight over the last axis: layer norm without mean and bias. Zhang & Sennrich 2019, eq. 4.
 *
 * @param x        [..., D]
 * @param weight   [D]
 * @param epsilon  added to the mean square
 * @throws RangeError when the weight does not have x's last axis
 */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, epsilon: number): T {
  checkNormParam('weight', weight, x);
  if (hasKernel('RmsNorm')) return runKernel<T>('RmsNorm', { x, weight }, { epsilon });
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true); // [..., 1]
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), weight);
  });
}

/** Norms take their parameters by the last axis of x. */
export function checkNormParam(name: string, param: tf.Tensor, x: tf.Tensor): void {
  const width = x.shape[x.rank - 1];
  if (x.rank > 0 && param.rank === 1 && param.shape[0] === width) return;
  throw new RangeError(
    `backend: ${name} of a norm must have shape [${width}], x's last axis, got [${param.shape}] with x [${x.shape}]; reshape one of them`,
  );
}
