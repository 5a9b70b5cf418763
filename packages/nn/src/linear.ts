import { type Activation, linear as linearOp, tf } from '@codebeam/backend';
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
 * x W, or activation(x W + b).
 *
 * @param x  [..., I] float32
 * @returns  [..., O]
 */
export function linear<T extends tf.Tensor>(params: Linear, x: T): T;
export function linear<T extends tf.Tensor>(params: BiasedLinear, x: T, activation?: Activation): T;
export function linear(params: Linear | BiasedLinear, x: tf.Tensor, activation?: Activation): tf.Tensor {
  const [inputs, outputs] = params.weight.shape;
  const rows = x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape<tf.Rank.R2>(x, [-1, inputs]);
  const y = 'bias' in params ? linearOp(rows, params.weight, params.bias, activation) : tf.matMul(rows, params.weight);
  return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), outputs]);
}
