import type { Key } from '@codebeam/random';
import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { dropout } from './dropout.js';

/**
 * relu(x W1) W2, with dropout of the hidden layer. Raffel et al. 2020 (T5), sec. 2.1. The hidden layer is not kept where the
 * backend has a kernel.
 *
 * @param x        [R, D]
 * @param input    W1 [D, F]
 * @param output   W2 [F, D]
 * @param options  dropout's rate in [0, 1) and its key; none when left out
 * @returns        [R, D]
 * @throws RangeError when the shapes do not fit or the rate is outside [0, 1)
 */
export function feedForward(
  x: tf.Tensor2D,
  input: tf.Tensor2D,
  output: tf.Tensor2D,
  { rate, key }: { rate: number; key: Key } = { rate: 0, key: [0, 0] },
): tf.Tensor2D {
  const [width, hidden] = input.shape;
  if (x.shape[1] !== width || String(output.shape) !== String([hidden, width])) {
    throw new RangeError(
      `backend: feedForward's weights must be [${x.shape[1]}, F] and [F, ${x.shape[1]}], got [${input.shape}] and [${output.shape}]`,
    );
  }
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`backend: dropout rate must be in [0, 1), got ${rate}; 0 switches dropout off`);
  }
  if (hasKernel('FeedForward')) return runKernel<tf.Tensor2D>('FeedForward', { x, input, output }, { rate, key });
  return tf.tidy(() => tf.matMul(dropout(tf.relu(tf.matMul(x, input)), rate, key), output));
}
