import { type AttentionOptions, attention as attend, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Dropout, noDropout } from './dropout.js';
import { initLinear, type Linear, linear } from './linear.js';

/** query, key, value [D, H*E]; output [H*E, D], with H heads of width E. */
export type Attention = { query: Linear; key: Linear; value: Linear; output: Linear };

/** T5 does not divide scores by sqrt(E): the query weights start smaller by that factor instead. */
export function initAttention(key: Key, modelWidth: number, heads: number, headWidth: number): Attention {
  const width = heads * headWidth;
  return {
    query: initLinear(foldIn(key, 0), modelWidth, width, (modelWidth * headWidth) ** -0.5),
    key: initLinear(foldIn(key, 1), modelWidth, width),
    value: initLinear(foldIn(key, 2), modelWidth, width),
    output: initLinear(foldIn(key, 3), width, modelWidth),
  };
}

/**
 * Multi-head attention of x over memory within each of B packed sequences; self-attention when both are the same.
 * Vaswani et al. 2017, sec. 3.2.2, without biases as in T5.
 *
 * @param x        [Q, D]
 * @param memory   [S, D]
 * @param options  which rows belong together, and what is added to the scores
 * @returns        [Q, D]
 */
export function attention(
  params: Attention,
  x: tf.Tensor2D,
  memory: tf.Tensor2D,
  options: Omit<AttentionOptions, 'dropout'>,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const query = linear(params.query, x); // [Q, H*E]
  const key = linear(params.key, memory); // [S, H*E]
  const value = linear(params.value, memory); // [S, H*E]
  const seen = attend(query, key, value, { ...options, dropout: dropout.draw() }); // [Q, H*E]
  return linear(params.output, seen); // [Q, D]
}
