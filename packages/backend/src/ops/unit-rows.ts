import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** [B, D] rows of length 1; rows of length 0 stay. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return hasKernel('UnitRows') ? runKernel<tf.Tensor2D>('UnitRows', { x }) : tf.div(x, rowLengths(x));
}

/** [B, 1], not below 1e-12, so that one can divide by them. */
export function rowLengths(x: tf.Tensor2D): tf.Tensor2D {
  return tf.maximum(tf.sqrt(tf.sum(tf.square(x), 1, true)), 1e-12);
}
