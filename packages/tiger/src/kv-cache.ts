import { tf } from '@codebeam/backend';
import { linear, splitHeads } from '@codebeam/nn';
import type { Decoder } from './decoder.js';

export type KeyValue = { key: tf.Tensor4D; value: tf.Tensor4D };

/** What the decoder remembers between the steps of a beam search. */
export interface KvCache {
  /** One per layer: keys and values of the positions so far, [R, H, P, E]; empty before the first. */
  self: KeyValue[];
  /** One per layer: keys and values of the history, [B, H, S, E], computed once and shared by the user's beams. */
  cross: KeyValue[];
  /** [B, 1, 1, S] 0 for tokens, -1e9 for padding; absent when no row is padded. */
  mask?: tf.Tensor;
}

/**
 * The cache before the first position.
 *
 * @param memory  [B, S, D] the encoder's output
 */
export function createKvCache(
  decoder: Decoder,
  memory: tf.Tensor,
  mask: tf.Tensor | undefined,
  heads: number,
): KvCache {
  const cross = decoder.blocks.map(({ crossAttention }) => ({
    key: splitHeads(linear(crossAttention.key, memory), heads),
    value: splitHeads(linear(crossAttention.value, memory), heads),
  }));
  return { self: [], cross, ...(mask && { mask }) };
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
