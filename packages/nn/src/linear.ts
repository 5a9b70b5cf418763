import { tf } from '@codebeam/backend';
import type { Key } from '@codebeam/random';
import { normal } from './initialise.js';

/** weight [I, O]: the transpose of PyTorch's, so that rows of x multiply from the left. */
export type Linear = { weight: tf.Tensor2D };

/** weight [I, O], bias [O]. */
export type BiasedLinear = { weight: tf.Tensor2D; bias: tf.Tensor1D };

/** Normal weights; the default standard deviation I^-0.5 keeps the variance of the input. */
export function initLinear(key: Key, inputs: number, outputs: number, standardDeviation = inputs ** -0.5): Linear {
  return { weight: normal<tf.Rank.R2>(key, [inputs, outputs], standardDeviation) };
}

/**
 * x W (+ b).
 *
 * @param x  [..., I] float32
 * @returns  [..., O]
 */
export function linear<T extends tf.Tensor>(params: Linear | BiasedLinear, x: T): T {
  const [inputs, outputs] = params.weight.shape;
  const rows = tf.reshape(x, [-1, inputs]);
  const product = tf.matMul(rows, params.weight);
  const sum = 'bias' in params ? tf.add(product, params.bias) : product;
  return tf.reshape(sum, [...x.shape.slice(0, -1), outputs]) as T;
}
