import { createGenerator, foldIn, type Key } from '@codebeam/random';

/** [N] the probability of items up to each when they are drawn by count^alpha. What was never met is never drawn. */
export function cumulativePopularity(counts: Int32Array, alpha: number): Float64Array {
  const cumulative = new Float64Array(counts.length);
  let sum = 0;
  for (const [item, count] of counts.entries()) {
    sum += count > 0 ? count ** alpha : 0;
    cumulative[item] = sum;
  }
  return cumulative.map((x) => x / sum);
}

/**
 * Negative samples, drawn ahead for many steps at once: the sample cache of Hidasi & Karatzoglou 2018, sec. 3.1.
 *
 * @param cumulative  see {@link cumulativePopularity}
 * @param size        S, samples of a step
 * @param steps       how many steps' samples are drawn at once
 * @returns           the next step's samples [S], a view that the next call may overwrite; always the same for the same key
 */
export function createSampleCache(
  cumulative: Float64Array,
  { size, steps, key }: { size: number; steps: number; key: Key },
): () => Int32Array {
  const find = createSearch(cumulative);
  const cache = new Int32Array(size * steps);
  let used = steps;
  let fills = 0;
  return () => {
    if (used === steps) {
      const { uniform } = createGenerator(foldIn(key, fills++));
      for (let i = 0; i < cache.length; i++) cache[i] = find(uniform());
      used = 0;
    }
    return cache.subarray(used * size, ++used * size);
  };
}

/**
 * For x in [0, 1): the first place whose value is greater than x, the last value being 1. Where to look is noted beforehand for as many
 * equal parts of [0, 1) as there are places, so that a search takes a step or two.
 */
function createSearch(ascending: Float64Array): (x: number) => number {
  const parts = ascending.length;
  const firstOf = new Int32Array(parts);
  for (let part = 0, place = 0; part < parts; part++) {
    while (ascending[place] <= part / parts) place++;
    firstOf[part] = place;
  }
  return (x) => {
    let place = firstOf[Math.floor(x * parts)];
    while (ascending[place] <= x) place++;
    return place;
  };
}
