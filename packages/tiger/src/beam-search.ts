import { bestChildren, type tf } from '@codebeam/backend';
import { emptyRecommendations, type Recommendations } from '@codebeam/eval';
import type { PrefixTrie } from './prefix-trie.js';

/**
 * Extends every row by one code and scores what may follow. A row is one beam of one user; rows of a user stand together.
 *
 * @param level    the position of the semantic ID to be scored, 0 first
 * @param parents  [R] the row of the previous level that each row continues; at level 0 the rows are the users
 * @param codes    [R] the code by which it does; empty at level 0
 * @returns logits [R, N], whose columns first .. first + sizes[level] - 1 are the codes of this level; the caller disposes of them
 */
export type ScoreCodes = (
  level: number,
  parents: Int32Array,
  codes: Int32Array,
) => { logits: tf.Tensor2D; first: number };

export interface BeamSearchOptions {
  trie: PrefixTrie;
  /** [L+1] codes per position. */
  sizes: readonly number[];
  /** B */
  batch: number;
  /** W, hypotheses kept per user; at least k. */
  beamWidth: number;
  /** Items wanted per user. */
  k: number;
  /** Whether a code's probability is its share of what the codes that lead to an item have; else of all columns. */
  constrainedSoftmax?: boolean;
  /** [B] nodes that must not be entered, by user (`blockItems`). */
  blocked?: readonly Int32Array[];
}

/** Lists of a model that generates items code by code. */
export interface GeneratedLists extends Recommendations {
  /** [B*k*(L+1)] log-probability of each item's ID up to each position, the last of which is the item's score; -Infinity in empty places. */
  prefixScores: Float32Array;
}

/**
 * The k most probable items per user found by beam search over the trie: only existing items can come out. Deterministic:
 * equal scores rank the beam that was ahead first, then the smaller code. Exact when the beam is as wide as the catalogue.
 * Sutskever et al. 2014, sec. 3.2; TIGER sec. 3.2.
 *
 * @returns scores are log-probabilities of the whole ID; -1 where a user has fewer than k items
 * @throws RangeError when beamWidth is smaller than k
 */
export async function beamSearch(scoreCodes: ScoreCodes, options: BeamSearchOptions): Promise<GeneratedLists> {
  const { trie, sizes, batch, beamWidth, k, constrainedSoftmax = false, blocked } = options;
  if (beamWidth < k) {
    throw new RangeError(
      `tiger: beamWidth must be at least k (${k}), got ${beamWidth}; widen the beam or ask for fewer`,
    );
  }
  const blockedOfUsers = blocked && { blocked: concatenate(blocked) };

  // [B*W] the trie node, the log-probability and the parent of each beam, best first; node -1 is a dead beam, which computes along
  // with a living row of its user and is never looked at.
  let beams: Beams = {
    nodes: new Int32Array(batch),
    scores: new Float32Array(batch),
    parents: Int32Array.from({ length: batch }, (_, user) => user),
  };
  const levels: Pick<Beams, 'scores' | 'parents'>[] = [];
  for (let level = 0; level < trie.depth; level++) {
    const codes = level === 0 ? new Int32Array(0) : beams.nodes.map((node) => (node < 0 ? 0 : trie.code[node]));
    const { logits, first } = scoreCodes(level, beams.parents, codes);
    try {
      const found = await bestChildren(logits, beams, trie, {
        users: batch,
        codes: { first, size: sizes[level] },
        count: beamWidth,
        constrained: constrainedSoftmax,
        ...blockedOfUsers,
      });
      beams = dropDead(found, batch);
      levels.push(beams);
    } finally {
      logits.dispose();
    }
  }

  const width = beams.nodes.length / batch;
  const lists = { ...emptyRecommendations(batch, k), prefixScores: emptyPrefixScores(batch * k, trie.depth) };
  for (let user = 0; user < batch; user++) {
    for (let place = 0; place < Math.min(k, width); place++) {
      const row = user * width + place;
      if (beams.nodes[row] < 0) break;
      lists.items[user * k + place] = trie.itemOfLeaf[beams.nodes[row] - trie.firstLeaf];
      lists.scores[user * k + place] = beams.scores[row];
      for (let level = trie.depth - 1, beam = row; level >= 0; beam = levels[level--].parents[beam]) {
        lists.prefixScores[(user * k + place) * trie.depth + level] = levels[level].scores[beam];
      }
    }
  }
  return lists;
}

export const emptyPrefixScores = (items: number, depth: number) => new Float32Array(items * depth).fill(-Infinity);

type Beams = Awaited<ReturnType<typeof bestChildren>>;

/** As many beams per user as the user with the most living ones has, at least one: a small catalogue does not fill a wide beam. */
function dropDead({ nodes, scores, parents }: Beams, batch: number): Beams {
  const width = nodes.length / batch;
  let needed = 1;
  for (let user = 0; user < batch; user++) {
    while (needed < width && nodes[user * width + needed] >= 0) needed++;
  }
  if (needed === width) return { nodes, scores, parents };
  const isKept = (_: number, i: number) => i % width < needed;
  return { nodes: nodes.filter(isKept), scores: scores.filter(isKept), parents: parents.filter(isKept) };
}

function concatenate(lists: readonly Int32Array[]): { nodes: Int32Array; offsets: Int32Array } {
  const offsets = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) offsets[i + 1] = offsets[i] + list.length;
  const nodes = new Int32Array(offsets[lists.length]);
  for (const [i, list] of lists.entries()) nodes.set(list, offsets[i]);
  return { nodes, offsets };
}
