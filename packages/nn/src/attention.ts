import { tf } from '@codebeam/backend';
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

/** [B, S, H*E] -> [B, H, S, E]. */
export function splitHeads(x: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape;
  return tf.transpose(tf.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]) as tf.Tensor4D;
}

/** [B, H, S, E] -> [B, S, H*E]. */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, length, headWidth] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * headWidth]);
}

/**
 * softmax(Q K^T + bias) V for each head. Vaswani et al. 2017, sec. 3.2.1, unscaled as in T5.
 *
 * @param query  [B, H, Q, E]
 * @param key    [B, H, S, E]
 * @param value  [B, H, S, E]
 * @param biases each broadcastable to [B, H, Q, S]: relative positions, -1e9 where a query must not look
 * @returns      [B, H, Q, E]
 */
export function attend(
  query: tf.Tensor4D,
  key: tf.Tensor4D,
  value: tf.Tensor4D,
  biases: readonly tf.Tensor[],
  dropout: Dropout = noDropout,
): tf.Tensor4D {
  const scores = biases.reduce<tf.Tensor>((sum, bias) => tf.add(sum, bias), tf.matMul(query, key, false, true)); // [B, H, Q, S]
  return tf.matMul(dropout(tf.softmax(scores)), value) as tf.Tensor4D; // [B, H, Q, E]
}

/**
 * Multi-head attention of x over memory; self-attention when both are the same.
 *
 * @param x       [B, Q, D]
 * @param memory  [B, S, D]
 * @returns       [B, Q, D]
 */
export function attention(
  params: Attention,
  x: tf.Tensor,
  memory: tf.Tensor,
  heads: number,
  biases: readonly tf.Tensor[],
  dropout: Dropout = noDropout,
): tf.Tensor {
  const query = splitHeads(linear(params.query, x), heads);
  const key = splitHeads(linear(params.key, memory), heads);
  const value = splitHeads(linear(params.value, memory), heads);
  return linear(params.output, mergeHeads(attend(query, key, value, biases, dropout)));
}
