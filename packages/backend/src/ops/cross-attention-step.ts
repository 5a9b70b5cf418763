import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { attention, checkAttention, type Offsets, offsetTensors } from './attention.js';
import type { AttentionLayerWeights } from './attention-layer.js';
import { rmsNorm } from './rms-norm.js';
import type { KeysAndValues } from './self-attention-step.js';

export interface CrossAttentionStepOptions {
  /** H */
  heads: number;
  /** Of the norm. */
  epsilon: number;
  /** What is read, [S, H*E] each. */
  memory: KeysAndValues;
  /** [B+1] the rows of x that belong to each of B sequences. */
  queryOffsets: Offsets;
  /** [B+1] and of the memory. */
  keyOffsets: Offsets;
}

/**
 * x + attention(rmsNorm(x), memory) Wo, where the memory's keys and values are made once for many steps: the other attention of a
 * step of beam search. The beams of a user are queries of one sequence. Raffel et al. 2020, sec. 2.1. There is no gradient.
 *
 * @param x  [Q, D]
 * @returns  [Q, D]
 * @throws RangeError when shapes and offsets do not fit
 */
export function crossAttentionStep(
  x: tf.Tensor2D,
  { norm, query, output }: Pick<AttentionLayerWeights, 'norm' | 'query' | 'output'>,
  { heads, epsilon, memory: { key, value }, queryOffsets, keyOffsets }: CrossAttentionStepOptions,
): tf.Tensor2D {
  const width = x.shape[1];
  const all = query.shape[1];
  if (norm.shape[0] !== width || query.shape[0] !== width || String(output.shape) !== String([all, width])) {
    throw new RangeError(
      `backend: crossAttentionStep's weights must be [${width}], [${width}, H*E] and [H*E, ${width}], got [${norm.shape}], [${query.shape}] and [${output.shape}]`,
    );
  }
  if (String(key.shape) !== String(value.shape) || key.shape[1] !== all) {
    throw new RangeError(
      `backend: crossAttentionStep's keys and values must be [S, ${all}], got [${key.shape}] and [${value.shape}]`,
    );
  }
  const within = { heads, queryOffsets, keyOffsets };
  checkAttention(x.shape[0], key.shape[0], all, within);
  return tf.tidy(() => {
    if (hasKernel('CrossAttentionStep')) {
      const inputs = { x, norm, query, output, key, value, ...offsetTensors(within) };
      return runKernel<tf.Tensor2D>('CrossAttentionStep', inputs, { heads, epsilon });
    }
    const asked: tf.Tensor2D = tf.matMul(rmsNorm(x, norm, epsilon), query); // [Q, H*E]
    return tf.add(x, tf.matMul(attention(asked, key, value, within), output));
  });
}
