import { emptyRecommendations, type Recommendations, writeTopK } from '@codebeam/eval';
import { logMassOfChildren } from './constrained-softmax.js';
import type { PrefixTrie } from './prefix-trie.js';

/**
 * Extends every row by one code and scores what may follow. A row is one beam of one user; rows of a user stand together.
 *
 * @param level    the position of the semantic ID to be scored, 0 first
 * @param parents  [R] the row of the previous level that each row continues; at level 0 the rows are the users
 * @param codes    [R] the code by which it does; empty at level 0
 * @returns        [R, sizes[level]] log-probabilities of the codes at this level
 */
export type ScoreCodes = (level: number, parents: Int32Array, codes: Int32Array) => Promise<Float32Array>;

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
  /** Whether a code's probability is its share of what the codes that lead to an item have; else of all. */
  constrainedSoftmax?: boolean;
  /** [B] nodes that must not be entered, by user (`blockItems`). */
  blocked?: readonly ((node: number) => boolean)[];
}

/**
 * The k most probable items per user found by beam search over the trie: only existing items can come out. Deterministic:
 * equal scores rank the beam that was ahead first, then the smaller code. Exact when the beam is as wide as the catalogue.
 * Sutskever et al. 2014, sec. 3.2; TIGER sec. 3.2.
 *
 * @returns scores are log-probabilities of the whole ID; -1 where a user has fewer than k items
 * @throws RangeError when beamWidth is smaller than k
 */
export async function beamSearch(scoreCodes: ScoreCodes, options: BeamSearchOptions): Promise<Recommendations> {
  const { trie, sizes, batch, beamWidth, k, constrainedSoftmax, blocked } = options;
  if (beamWidth < k) {
    throw new RangeError(
      `tiger: beamWidth must be at least k (${k}), got ${beamWidth}; widen the beam or ask for fewer`,
    );
  }

  // [B*width] the trie node and the log-probability of each beam, best first; node -1 is a dead beam.
  let width = 1;
  let nodes = new Int32Array(batch);
  let scores = new Float64Array(batch);
  let parents = Int32Array.from({ length: batch }, (_, user) => user);
  let codes = new Int32Array(0);

  for (let level = 0; level < trie.depth; level++) {
    const size = sizes[level];
    const logProbabilities = await scoreCodes(level, parents, codes); // [B*width, size]

    // Candidates of each user in the order (beam, code), which is the order of ties.
    const best = emptyRecommendations(batch, beamWidth);
    const candidates = Array.from({ length: batch }, (_, user) => {
      let most = 0;
      for (let row = user * width; row < (user + 1) * width; row++) {
        if (nodes[row] >= 0) most += trie.firstChild[nodes[row] + 1] - trie.firstChild[nodes[row]];
      }
      const rows = new Int32Array(most);
      const children = new Int32Array(most);
      const values = new Float64Array(most);
      let count = 0;
      for (let row = user * width; row < (user + 1) * width; row++) {
        const node = nodes[row];
        if (node < 0) continue;
        const own = logProbabilities.subarray(row * size, (row + 1) * size);
        // Over blocked children too, so that a score is the model's and does not depend on the history mask.
        const mass = constrainedSoftmax ? logMassOfChildren(trie, node, own) : 0;
        for (let child = trie.firstChild[node]; child < trie.firstChild[node + 1]; child++) {
          if (blocked?.[user](child)) continue;
          rows[count] = row;
          children[count] = child;
          values[count++] = scores[row] + own[trie.code[child]] - mass;
        }
      }
      writeTopK(values.subarray(0, count), best, user);
      return { rows, children, values, count };
    });

    const nextWidth = candidates.reduce((most, { count }) => Math.max(most, Math.min(count, beamWidth)), 1);
    const nextNodes = new Int32Array(batch * nextWidth).fill(-1);
    const nextScores = new Float64Array(batch * nextWidth).fill(-Infinity);
    const nextParents = new Int32Array(batch * nextWidth);
    const nextCodes = new Int32Array(batch * nextWidth);
    for (const [user, { rows, children, values }] of candidates.entries()) {
      for (let beam = 0; beam < nextWidth; beam++) {
        const row = user * nextWidth + beam;
        const candidate = best.items[user * beamWidth + beam];
        // A dead beam computes along with a living row of its user and is never looked at.
        nextParents[row] = candidate < 0 ? user * width : rows[candidate];
        if (candidate < 0) continue;
        nextNodes[row] = children[candidate];
        nextScores[row] = values[candidate];
        nextCodes[row] = trie.code[children[candidate]];
      }
    }
    width = nextWidth;
    nodes = nextNodes;
    scores = nextScores;
    parents = nextParents;
    codes = nextCodes;
  }

  const lists = emptyRecommendations(batch, k);
  for (let user = 0; user < batch; user++) {
    for (let place = 0; place < Math.min(k, width); place++) {
      const row = user * width + place;
      if (nodes[row] < 0) break;
      lists.items[user * k + place] = trie.itemOfLeaf[nodes[row] - trie.firstLeaf];
      lists.scores[user * k + place] = scores[row];
    }
  }
  return lists;
}
