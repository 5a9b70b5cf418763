import { feedForwardLayer as apply, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Dropout, noDropout } from './dropout.js';
import { initLinear, type Linear } from './linear.js';
import { type RmsNorm, rmsNormEpsilon } from './rms-norm.js';

/** input [D, F], output [F, D]. */
export type FeedForward = { input: Linear; output: Linear };

export function initFeedForward(key: Key, modelWidth: number, hiddenWidth: number): FeedForward {
  return {
    input: initLinear(foldIn(key, 0), modelWidth, hiddenWidth),
    output: initLinear(foldIn(key, 1), hiddenWidth, modelWidth),
  };
}

/**
 * A layer of T5: x + dropout(relu(norm(x) W1) W2), with dropout of the hidden layer too. Raffel et al. 2020, sec. 2.1.
 *
 * @param x  [R, D]
 * @returns  [R, D]
 */
export function feedForwardLayer(
  norm: RmsNorm,
  { input, output }: FeedForward,
  x: tf.Tensor2D,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  return apply(
    x,
    { norm: norm.weight, input: input.weight, output: output.weight },
    { epsilon: rmsNormEpsilon, hiddenDropout: dropout.draw(), dropout: dropout.draw() },
  );
}
