import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { checkNormParam } from './rms-norm.js';

/**
 * (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis. Ba, Kiros & Hinton 2016, eq. 4; epsilon as is usual.
 *
 * @param x        [..., D]
 * @param weight   [D]
 * @param bias     [D]
 * @throws RangeError when weight or bias does not have x's last axis
 */
export function layerNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, bias: tf.Tensor1D, epsilon: number): T {
  checkNormParam('weight', weight, x);
  checkNormParam('bias', bias, x);
  if (hasKernel('LayerNorm')) return runKernel<T>('LayerNorm', { x, weight, bias }, { epsilon });
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true)); // [..., D]
    const variance = tf.mean(tf.square(centred), -1, true); // [..., 1]
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), weight), bias);
  });
}
