import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** weight [I, O], bias [O]. */
export type MlpLayer = { weight: tf.Tensor2D; bias: tf.Tensor1D };

/**
 * relu(... relu(x W1 + b1) W2 + b2 ...) Wn + bn: one op, whose activations are rounded and laid out for the products once, where
 * the backend has a kernel.
 *
 * @param x       [R, I of the first layer]
 * @param layers  each as wide as the one before it expects
 * @returns       [R, O of the last layer]; x where there is no layer
 * @throws RangeError when the shapes do not fit
 */
export function mlp(x: tf.Tensor2D, layers: readonly MlpLayer[]): tf.Tensor2D {
  layers.forEach(({ weight, bias }, i) => {
    const inputs = i === 0 ? x.shape[1] : layers[i - 1].weight.shape[1];
    if (weight.shape[0] !== inputs || bias.shape[0] !== weight.shape[1]) {
      throw new RangeError(
        `backend: weight and bias of mlp's layer ${i} must be [${inputs}, O] and [O], got [${weight.shape}] and [${bias.shape}]`,
      );
    }
  });
  if (layers.length > 0 && hasKernel('Mlp')) {
    return runKernel<tf.Tensor2D>('Mlp', [x, ...layers.flatMap(({ weight, bias }) => [weight, bias])]);
  }
  return tf.tidy(() =>
    layers.reduce((input, { weight, bias }, i) => {
      const sum: tf.Tensor2D = tf.add(tf.matMul(input, weight), bias);
      return i + 1 < layers.length ? tf.relu(sum) : sum;
    }, x),
  );
}
