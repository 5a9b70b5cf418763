import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

export type Activation = 'linear' | 'relu';

/**
 * activation(x W + b): one op, and relu's and the bias's gradients in one pass, where the backend has a kernel.
 *
 * @param x       [R, I]
 * @param weight  [I, O]
 * @param bias    [O]
 * @returns       [R, O]
 * @throws RangeError when the shapes do not fit
 */
export function linear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D,
  activation: Activation = 'linear',
): tf.Tensor2D {
  const [inputs, outputs] = weight.shape;
  if (x.shape[1] !== inputs || bias.size !== outputs) {
    throw new RangeError(
      `backend: linear's weight and bias must be [${x.shape[1]}, O] and [O], got [${weight.shape}] and [${bias.shape}]`,
    );
  }
  if (hasKernel('Linear')) return runKernel<tf.Tensor2D>('Linear', { x, weight, bias }, { activation });
  return tf.tidy(() => {
    const sum: tf.Tensor2D = tf.add(tf.matMul(x, weight), bias);
    return activation === 'relu' ? tf.relu(sum) : sum;
  });
}
