import { packSequences, type Sequences, sequenceOf } from '@codebeam/data';
import { createGenerator, createKey, foldIn, type Generator } from '@codebeam/random';
import type { RankedLists, RankingInput } from './target-ranks.js';

export interface SampleOptions {
  /** Items drawn for each user beside the test items: 99 or 100 are usual. */
  numNegatives: number;
  seed: number;
  /** [N] chances of the items to be drawn, from 0; uniform when not given. Counts of training are usual. */
  weights?: ArrayLike<number>;
}

/**
 * Candidates of a sampled ranking: every user's test items, and items drawn without replacement from those that the
 * user has neither seen nor is tested on. The draw depends on seed and user number alone. Users with fewer such
 * items (of a weight) get them all; those without test items get no candidates.
 *
 * Sampled metrics rank models otherwise than full ones may (Krichene & Rendle 2020): say that they are sampled.
 *
 * @returns candidates of each user, test items first
 * @throws RangeError when there is no weight for each item, or `numNegatives` is no integer from 0
 */
export function sampleCandidates(
  { targets, train, seen = train, numItems }: Pick<RankingInput, 'targets' | 'train' | 'seen' | 'numItems'>,
  { numNegatives, seed, weights }: SampleOptions,
): Sequences {
  if (!Number.isInteger(numNegatives) || numNegatives < 0) {
    throw new RangeError(`eval: numNegatives must be an integer from 0, got ${numNegatives}; 99 is usual`);
  }
  if (weights && weights.length !== numItems) {
    throw new RangeError(`eval: weights must be one for each of ${numItems} items, got ${weights.length}; pass counts`);
  }
  const key = createKey(seed, 'sample');
  const chances = Float64Array.from({ length: numItems }, (_, item) => weights?.[item] ?? 1);
  const pick = pickByWeight(chances);
  const takenFor = new Int32Array(numItems); // by user number + 1
  return packSequences(
    Array.from({ length: targets.offsets.length - 1 }, (_, user) => {
      const candidates = [...new Set(sequenceOf(targets, user))];
      const wanted = candidates.length === 0 ? 0 : candidates.length + numNegatives;
      for (const item of [...candidates, ...sequenceOf(seen, user)]) takenFor[item] = user + 1;
      const generator = createGenerator(foldIn(key, user));
      // Draws that hit what is taken are made anew, until that is not worth it.
      for (let draws = 20 * numNegatives; draws > 0 && candidates.length < wanted; draws--) {
        const item = pick(generator);
        if (takenFor[item] === user + 1 || chances[item] === 0) continue;
        takenFor[item] = user + 1;
        candidates.push(item);
      }
      if (candidates.length < wanted) {
        const left = chances.map((chance, item) => (takenFor[item] === user + 1 ? 0 : chance));
        candidates.push(...drawAll(generator, left).subarray(0, wanted - candidates.length));
      }
      return Int32Array.from(candidates);
    }),
  );
}

/** One item by its chance: where a uniform number falls among the running sums. */
function pickByWeight(chances: Float64Array): (generator: Generator) => number {
  let sum = 0;
  const upTo = chances.map((chance) => {
    sum += chance;
    return sum;
  });
  return (generator) => {
    const place = generator.uniform() * sum;
    let low = 0;
    for (let high = upTo.length - 1; low < high; ) {
      const middle = (low + high) >>> 1;
      if (upTo[middle] > place) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/**
 * All items that have a chance, in an order drawn by it: that of exponential variates with these rates (Efraimidis &
 * Spirakis 2006), which is how drawing them one by one would order them.
 */
function drawAll(generator: Generator, chances: Float64Array): Int32Array {
  const times = chances.map((chance) => -Math.log(1 - generator.uniform()) / chance);
  const drawable = Int32Array.from(chances.keys()).filter((item) => chances[item] > 0);
  return drawable.sort((a, b) => times[a] - times[b] || a - b);
}

/**
 * Lists of the candidates alone, by score.
 *
 * @param scoresOf  scores [N] of a user's row, asked for once per user that has candidates
 */
export function rankCandidates(candidates: Sequences, scoresOf: (user: number) => ArrayLike<number>): RankedLists {
  const items = candidates.items.slice();
  const scores = new Float64Array(items.length);
  for (let user = 0; user + 1 < candidates.offsets.length; user++) {
    const [start, end] = [candidates.offsets[user], candidates.offsets[user + 1]];
    if (start === end) continue;
    const row = scoresOf(user);
    items.subarray(start, end).sort((a, b) => (row[a] === row[b] ? a - b : row[b] - row[a]));
    for (let i = start; i < end; i++) scores[i] = row[items[i]];
  }
  return { offsets: candidates.offsets, items, scores };
}

/** Lists with everything but the candidates left out, their order and scores kept. */
export function keepCandidates(lists: RankedLists, candidates: Sequences): RankedLists {
  const isCandidate = new Uint8Array(lists.items.length);
  const offsets = new Int32Array(lists.offsets.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = new Set(sequenceOf(candidates, user));
    offsets[user + 1] = offsets[user];
    for (let i = lists.offsets[user]; i < lists.offsets[user + 1]; i++) {
      if (!own.has(lists.items[i])) continue;
      isCandidate[i] = 1;
      offsets[user + 1]++;
    }
  }
  const keep = (_: number, i: number) => isCandidate[i] === 1;
  return { offsets, items: lists.items.filter(keep), ...(lists.scores && { scores: lists.scores.filter(keep) }) };
}
