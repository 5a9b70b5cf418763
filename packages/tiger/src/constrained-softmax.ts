import { tf } from '@codebeam/backend';
import type { PrefixTrie } from './prefix-trie.js';
import type { Vocabulary } from './tokens.js';

/** The tokens of one position, and which of them each target may choose among there. */
export interface Continuations {
  /** The first of the position's tokens. */
  first: number;
  /** [B, size] what is added to their logits: 0 where the code continues an existing semantic ID, else -1e9. */
  mask: tf.Tensor2D;
}

/**
 * What the constrained softmax of training chooses among, by position: the codes that continue an existing semantic ID after the
 * target's own earlier codes, which are the children of one node of the trie. Other codes get neither probability nor gradient.
 * Not in the paper, whose model has to learn from data which IDs exist.
 *
 * @param targets  [B] items
 * @returns        one for each position
 */
export function continuationsOf(
  { offsets, sizes }: Vocabulary,
  trie: PrefixTrie,
  targets: Int32Array,
): Continuations[] {
  const { depth, parent, firstChild, code, leafOfItem } = trie;
  const masks = sizes.map((size) => new Float32Array(targets.length * size).fill(-1e9));
  for (const [row, item] of targets.entries()) {
    for (let p = depth - 1, node = parent[leafOfItem[item]]; p >= 0; p--, node = parent[node]) {
      for (let child = firstChild[node]; child < firstChild[node + 1]; child++)
        masks[p][row * sizes[p] + code[child]] = 0;
    }
  }
  return masks.map((mask, p) => ({ first: offsets[p], mask: tf.tensor2d(mask, [targets.length, sizes[p]]) }));
}
