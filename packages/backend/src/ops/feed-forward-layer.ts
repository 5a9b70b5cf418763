import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { checkRate, type DropoutDraw, dropout, noDraw } from './dropout.js';
import { rmsNorm } from './rms-norm.js';

export interface FeedForwardLayerWeights {
  /** [D] of the norm before. */
  norm: tf.Tensor1D;
  /** W1 [D, F] */
  input: tf.Tensor2D;
  /** W2 [F, D] */
  output: tf.Tensor2D;
}

export interface FeedForwardLayerOptions {
  /** Of the norm. */
  epsilon: number;
  /** Of the hidden layer. */
  hiddenDropout?: DropoutDraw | undefined;
  /** Of what is added to x. */
  dropout?: DropoutDraw | undefined;
}

/**
 * x + dropout(dropout(relu(rmsNorm(x) W1)) W2): a layer of T5. Raffel et al. 2020, sec. 2.1. Nothing but x is kept for the
 * gradient where the backend has a kernel.
 *
 * @param x  [R, D]
 * @returns  [R, D]
 * @throws RangeError when the shapes do not fit or a rate is outside [0, 1)
 */
export function feedForwardLayer(
  x: tf.Tensor2D,
  { norm, input, output }: FeedForwardLayerWeights,
  { epsilon, hiddenDropout = noDraw, dropout: last = noDraw }: FeedForwardLayerOptions,
): tf.Tensor2D {
  const width = x.shape[1];
  const hidden = input.shape[1];
  if (norm.shape[0] !== width || input.shape[0] !== width || String(output.shape) !== String([hidden, width])) {
    throw new RangeError(
      `backend: feedForwardLayer's weights must be [${width}], [${width}, F] and [F, ${width}], got [${norm.shape}], [${input.shape}] and [${output.shape}]`,
    );
  }
  for (const { rate } of [hiddenDropout, last]) checkRate(rate);
  if (hasKernel('FeedForwardLayer')) {
    const attrs = { epsilon, hiddenDropout, dropout: last };
    return runKernel<tf.Tensor2D>('FeedForwardLayer', { x, norm, input, output }, attrs);
  }
  return tf.tidy(() => {
    const inner = tf.relu(tf.matMul(rmsNorm(x, norm, epsilon), input)); // [R, F]
    const y = tf.matMul(dropout(inner, hiddenDropout.rate, hiddenDropout.key), output); // [R, D]
    return tf.add(x, dropout(y, last.rate, last.key));
  });
}
