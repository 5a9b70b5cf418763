import { type AttentionLayerOptions, attentionLayer as apply, type tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Dropout, noDropout } from './dropout.js';
import { initLinear, type Linear } from './linear.js';
import { type RmsNorm, rmsNormEpsilon } from './rms-norm.js';

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
 * A layer of T5: x + dropout(attention(norm(x))), within each of B packed sequences; over `memory` if there is one, else over
 * norm(x) itself. Raffel et al. 2020, sec. 2.1; Vaswani et al. 2017, sec. 3.2.2, without biases.
 *
 * @param x       [Q, D]
 * @param within  which rows belong together, what they attend to, and what is added to the scores
 * @returns       [Q, D]
 */
export function attentionLayer(
  norm: RmsNorm,
  { query, key, value, output }: Attention,
  x: tf.Tensor2D,
  within: Omit<AttentionLayerOptions, 'epsilon' | 'attentionDropout' | 'dropout'>,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const weights = {
    norm: norm.weight,
    query: query.weight,
    key: key.weight,
    value: value.weight,
    output: output.weight,
  };
  return apply(x, weights, {
    ...within,
    epsilon: rmsNormEpsilon,
    attentionDropout: dropout.draw(),
    dropout: dropout.draw(),
  });
}
