import type { tf } from '@codebeam/backend';
import type { Key } from '@codebeam/random';
import { normal } from './initialise.js';

/** weight [I, O]: the transpose of PyTorch's, so that rows of x multiply from the left. */
export type Linear = { weight: tf.Tensor2D };

/** Normal weights; the default standard deviation I^-0.5 keeps the variance of the input. */
export function initLinear(key: Key, inputs: number, outputs: number, standardDeviation = inputs ** -0.5): Linear {
  return { weight: normal<tf.Rank.R2>(key, [inputs, outputs], standardDeviation) };
}
