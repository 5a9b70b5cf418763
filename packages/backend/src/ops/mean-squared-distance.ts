import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * The mean over rows of |x - y|^2.
 *
 * @param x  [B, D], B >= 1
 * @param y  [B, D]
 * @returns  scalar
 * @throws RangeError when the shapes differ
 */
export function meanSquaredDistance(x: tf.Tensor2D, y: tf.Tensor2D): tf.Scalar {
  if (String(x.shape) !== String(y.shape)) {
    throw new RangeError(
      `backend: meanSquaredDistance's operands must have one shape, got [${x.shape}] and [${y.shape}]; compare row with row`,
    );
  }
  if (hasKernel('MeanSquaredDistance')) return runKernel<tf.Scalar>('MeanSquaredDistance', { x, y });
  return tf.tidy(() => tf.mean(tf.sum(tf.square(tf.sub(x, y)), 1)));
}
