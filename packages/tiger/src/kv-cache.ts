import { type KeysAndValues, type Offsets, tf } from '@codebeam/backend';
import type { Decoder } from './decoder.js';

/** What the decoder remembers between the steps of a beam search. */
export type KvCache = {
  /** One per position so far, and in it one per layer: keys and values of the rows that stood there, [R', H*E]. */
  self: KeysAndValues[][];
  /** [R, P] the row at each of the P positions so far that each row to come continues. */
  ancestors: Int32Array;
  /** One per layer: keys and values of the histories, [S, H*E], computed once and shared by each user's beams. */
  cross: KeysAndValues[];
  /** [B+1] where each history begins in S. */
  crossOffsets: Offsets;
};

/**
 * The cache before the first position, which has a row for each history.
 *
 * @param memory  [S, D] the encoder's output
 */
export function createKvCache(decoder: Decoder, memory: tf.Tensor2D, crossOffsets: Offsets): KvCache {
  const cross = decoder.blocks.map(({ crossAttention }) => ({
    key: tf.matMul<tf.Tensor2D>(memory, crossAttention.key.weight),
    value: tf.matMul<tf.Tensor2D>(memory, crossAttention.value.weight),
  }));
  return { self: [], ancestors: new Int32Array(0), cross, crossOffsets };
}

/**
 * The cache one position later. Nothing is moved: rows only learn which earlier ones are theirs.
 *
 * @param position  keys and values of the rows that stood at the last position, by layer
 * @param parents   [R'] the row of the last position that each row to come continues
 */
export function continueRows(cache: KvCache, position: KeysAndValues[], parents: Int32Array): KvCache {
  const known = cache.self.length;
  const ancestors = new Int32Array(parents.length * (known + 1));
  for (const [row, parent] of parents.entries()) {
    ancestors.set(cache.ancestors.subarray(parent * known, (parent + 1) * known), row * (known + 1));
    ancestors[row * (known + 1) + known] = parent;
  }
  return { ...cache, self: [...cache.self, position], ancestors };
}

export function disposeKvCache({ self, cross }: Pick<KvCache, 'self' | 'cross'>): void {
  for (const { key, value } of [...self.flat(), ...cross]) tf.dispose([key, value]);
}
