import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { type AttentionOptions, attention, checkAttention, offsetTensors } from './attention.js';
import { checkRate, type DropoutDraw, dropout, noDraw } from './dropout.js';
import { rmsNorm } from './rms-norm.js';

export interface AttentionLayerWeights {
  /** [D] of the norm before. */
  norm: tf.Tensor1D;
  /** [D, H*E] */
  query: tf.Tensor2D;
  /** [D, H*E] */
  key: tf.Tensor2D;
  /** [D, H*E] */
  value: tf.Tensor2D;
  /** [H*E, D] */
  output: tf.Tensor2D;
}

export interface AttentionLayerOptions extends Omit<AttentionOptions, 'dropout'> {
  /** [S, D] what is attended to; rmsNorm(x), as in self-attention, when left out. */
  memory?: tf.Tensor2D | undefined;
  /** Of the norm. */
  epsilon: number;
  /** Of the probabilities. */
  attentionDropout?: DropoutDraw | undefined;
  /** Of what is added to x. */
  dropout?: DropoutDraw | undefined;
}

/**
 * x + dropout(attention(rmsNorm(x), memory) Wo) within each of B packed sequences: a layer of T5. Raffel et al. 2020, sec. 2.1.
 * Nothing but x and memory is kept for the gradient where the backend has a kernel.
 *
 * @param x  [Q, D]
 * @returns  [Q, D]
 * @throws RangeError when shapes and offsets do not fit or a rate is outside [0, 1)
 */
export function attentionLayer(
  x: tf.Tensor2D,
  weights: AttentionLayerWeights,
  options: AttentionLayerOptions,
): tf.Tensor2D {
  const { memory, attentionDropout = noDraw, dropout: last = noDraw } = options;
  const width = x.shape[1];
  const wide = String([width, weights.query.shape[1]]);
  const { norm, query, key, value, output } = weights;
  if (
    norm.shape[0] !== width ||
    [query, key, value].some(({ shape }) => String(shape) !== wide) ||
    String(output.shape) !== String([query.shape[1], width]) ||
    (memory && memory.shape[1] !== width)
  ) {
    throw new RangeError(
      `backend: attentionLayer's weights must be [${width}], three of [${width}, H*E] and [H*E, ${width}], and memory [S, ${width}], got ${[norm, query, key, value, output, ...(memory ? [memory] : [])].map(({ shape }) => `[${shape}]`).join(', ')}`,
    );
  }
  for (const { rate } of [attentionDropout, last]) checkRate(rate);
  checkAttention(x.shape[0], (memory ?? x).shape[0], query.shape[1], options);
  return hasKernel('AttentionLayer') ? fused(x, weights, options) : composed(x, weights, options);
}

function fused(x: tf.Tensor2D, weights: AttentionLayerWeights, options: AttentionLayerOptions): tf.Tensor2D {
  const { memory, heads, causal = false, bias, zeroDistance = 0, epsilon } = options;
  const { attentionDropout = noDraw, dropout: last = noDraw } = options;
  return tf.tidy(() => {
    const inputs = {
      x,
      ...weights,
      memory: memory ?? tf.zeros([0, x.shape[1]]),
      bias: bias ?? tf.zeros([heads, 0]),
      ...offsetTensors(options),
    };
    const attrs = { heads, causal, zeroDistance, epsilon, ...attentionDropout, dropout: last, self: !memory };
    return runKernel<tf.Tensor[]>('AttentionLayer', inputs, attrs)[0] as tf.Tensor2D;
  });
}

function composed(
  x: tf.Tensor2D,
  { norm, query, key, value, output }: AttentionLayerWeights,
  { memory, epsilon, attentionDropout, dropout: last = noDraw, ...within }: AttentionLayerOptions,
): tf.Tensor2D {
  return tf.tidy(() => {
    const normed = rmsNorm(x, norm, epsilon); // [Q, D]
    const seen = attention(
      tf.matMul(normed, query), // [Q, H*E]
      tf.matMul(memory ?? normed, key), // [S, H*E]
      tf.matMul(memory ?? normed, value), // [S, H*E]
      { ...within, dropout: attentionDropout },
    ); // [Q, H*E]
    return tf.add(x, dropout(tf.matMul(seen, output), last.rate, last.key));
  });
}
