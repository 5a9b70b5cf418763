import { type Offsets, tf } from '@codebeam/backend';
import { linear } from '@codebeam/nn';
import type { Decoder } from './decoder.js';

/** What the decoder remembers between the steps of a beam search. */
export interface KvCache {
  /** One per layer: keys and values of the positions so far, [R, P, H*E]; empty before the first. */
  self: { key: tf.Tensor3D; value: tf.Tensor3D }[];
  /** One per layer: keys and values of the histories, [S, H*E], computed once and shared by each user's beams. */
  cross: { key: tf.Tensor2D; value: tf.Tensor2D }[];
  /** [B+1] where each history begins in S. */
  crossOffsets: Offsets;
}

/**
 * The cache before the first position.
 *
 * @param memory  [S, D] the encoder's output
 */
export function createKvCache(decoder: Decoder, memory: tf.Tensor2D, crossOffsets: Offsets): KvCache {
  const cross = decoder.blocks.map(({ crossAttention }) => ({
    key: linear(crossAttention.key, memory),
    value: linear(crossAttention.value, memory),
  }));
  return { self: [], cross, crossOffsets };
}

/**
 * The self-attention part with row i replaced by row parents[i]: what the beams that survived have in their past.
 *
 * @param parents  [R'] int32
 */
export function selectRows(self: KvCache['self'], parents: Int32Array): KvCache['self'] {
  const index = tf.tensor1d(parents, 'int32');
  return self.map(({ key, value }) => ({ key: tf.gather(key, index), value: tf.gather(value, index) }));
}
