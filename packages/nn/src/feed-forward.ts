import { feedForward as apply, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Dropout, noDropout } from './dropout.js';
import { initLinear, type Linear } from './linear.js';

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
 * @param x  [R, D]
 */
export function feedForward(params: FeedForward, x: tf.Tensor2D, dropout: Dropout = noDropout): tf.Tensor2D {
  return apply(x, params.input.weight, params.output.weight, dropout.draw());
}
