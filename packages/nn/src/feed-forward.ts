import { tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Dropout, noDropout } from './dropout.js';
import { initLinear, type Linear, linear } from './linear.js';

/** input [D, F], output [F, D]. */
export type FeedForward = { input: Linear; output: Linear };

export function initFeedForward(key: Key, modelWidth: number, hiddenWidth: number): FeedForward {
  return {
    input: initLinear(foldIn(key, 0), modelWidth, hiddenWidth),
    output: initLinear(foldIn(key, 1), hiddenWidth, modelWidth),
  };
}

/**
 * relu(x W1) W2 without biases. Raffel et al. 2020 (T5), sec. 2.1.
 *
 * @param x  [..., D]
 */
export function feedForward<T extends tf.Tensor>(params: FeedForward, x: T, dropout: Dropout = noDropout): T {
  return linear(params.output, dropout(tf.relu(linear(params.input, x))));
}
