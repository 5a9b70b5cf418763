import type { PrefixTrie } from './prefix-trie.js';
import type { Vocabulary } from './tokens.js';

/**
 * What the constrained softmax of training adds to the logits: at each position of a target nothing to the codes that
 * continue an existing semantic ID after the target's own earlier codes (the children of one node of the trie), and
 * -1e9 to the rest of the vocabulary, which leaves it no probability and no gradient. Not in the paper, whose model has
 * to learn from data which IDs exist.
 *
 * @param targets  [B] items
 * @returns        [B*P, V] 0 or -1e9
 */
export function continuationMask({ offsets, size }: Vocabulary, trie: PrefixTrie, targets: Int32Array): Float32Array {
  const { depth, parent, firstChild, code, leafOfItem } = trie;
  const mask = new Float32Array(targets.length * depth * size).fill(-1e9);
  for (const [row, item] of targets.entries()) {
    let node = leafOfItem[item];
    for (let p = depth - 1; p >= 0; p--) {
      node = parent[node];
      const first = (row * depth + p) * size + offsets[p];
      for (let child = firstChild[node]; child < firstChild[node + 1]; child++) mask[first + code[child]] = 0;
    }
  }
  return mask;
}
