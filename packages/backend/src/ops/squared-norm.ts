import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** The sum of the squares of all elements of x, a scalar. */
export function squaredNorm(x: tf.Tensor): tf.Scalar {
  if (hasKernel('SquaredNorm')) return runKernel<tf.Scalar>('SquaredNorm', { x });
  return tf.tidy(() => tf.sum(tf.square(x)));
}
