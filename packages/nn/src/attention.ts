import {
  type AttentionLayerOptions,
  type AttentionLayerWeights,
  attentionLayer as apply,
  crossAttentionStep as applyCrossStep,
  selfAttentionStep as applySelfStep,
  type CrossAttentionStepOptions,
  type KeysAndValues,
  type SelfAttentionStepOptions,
  type tf,
} from '@codebeam/backend';
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
  params: Attention,
  x: tf.Tensor2D,
  within: Omit<AttentionLayerOptions, 'epsilon' | 'attentionDropout' | 'dropout'>,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  return apply(x, weightsOf(norm, params), {
    ...within,
    epsilon: rmsNormEpsilon,
    attentionDropout: dropout.draw(),
    dropout: dropout.draw(),
  });
}

/**
 * The same layer over itself at one new position of each of R sequences, from the keys and values of those before.
 *
 * @param x  [R, D]
 * @returns y [R, D]; key and value [R, H*E] of the new position
 */
export function selfAttentionStep(
  norm: RmsNorm,
  params: Attention,
  x: tf.Tensor2D,
  within: Omit<SelfAttentionStepOptions, 'epsilon'>,
): KeysAndValues & { y: tf.Tensor2D } {
  return applySelfStep(x, weightsOf(norm, params), { ...within, epsilon: rmsNormEpsilon });
}

/**
 * The same layer over a memory whose keys and values were made before.
 *
 * @param x  [Q, D]
 * @returns  [Q, D]
 */
export function crossAttentionStep(
  norm: RmsNorm,
  params: Attention,
  x: tf.Tensor2D,
  within: Omit<CrossAttentionStepOptions, 'epsilon'>,
): tf.Tensor2D {
  return applyCrossStep(x, weightsOf(norm, params), { ...within, epsilon: rmsNormEpsilon });
}

function weightsOf({ weight }: RmsNorm, { query, key, value, output }: Attention): AttentionLayerWeights {
  return { norm: weight, query: query.weight, key: key.weight, value: value.weight, output: output.weight };
}
