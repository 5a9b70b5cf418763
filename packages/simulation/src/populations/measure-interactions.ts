import type { Measurement } from './measurement.js';
import type { Population } from './population.js';

/**
 * How often each item was chosen.
 *
 * @param interactions  [U] the item of each user
 * @returns [I]
 */
export function countChoices(interactions: ArrayLike<number>, numItems: number): Float64Array {
  const histogram = new Float64Array(numItems);
  for (let user = 0; user < interactions.length; user++) histogram[interactions[user]]++;
  return histogram;
}

/** [I] how often each item was chosen in the step. */
export function interactionHistogram(): Measurement {
  return {
    name: 'interaction_histogram',
    measure({ interactions, numItems }) {
      const last = interactions.at(-1);
      return last ? Array.from(countChoices(last, numItems)) : null;
    },
  };
}

/**
 * How much further choices spread over items than in the step before: the area under the histogram from its largest to its smallest
 * count then, less that now (trapezoids of width 1). Above 0, they have come together.
 *
 * @param histogram  [I] of this step, in any order
 * @param previous   of the step before, nothing before the first step
 */
export function spreadOf(histogram: Float64Array, previous?: Float64Array): number {
  return (previous ? areaUnder(previous) : 0) - areaUnder(histogram);
}

/** Trapezoids under counts in falling order: their sum less half the largest and half the smallest. */
function areaUnder(counts: Float64Array): number {
  if (counts.length < 2) return 0;
  let [sum, largest, smallest] = [0, -Infinity, Infinity];
  for (const count of counts) {
    sum += count;
    largest = Math.max(largest, count);
    smallest = Math.min(smallest, count);
  }
  return sum - (largest + smallest) / 2;
}

/** {@link spreadOf} each step. */
export function interactionSpread(): Measurement {
  let previous: Float64Array | undefined;
  return {
    name: 'interaction_spread',
    measure({ interactions, numItems }) {
      const last = interactions.at(-1);
      if (!last) return null;
      const histogram = countChoices(last, numItems);
      const spread = spreadOf(histogram, previous);
      previous = histogram;
      return spread;
    },
  };
}

/** Jaccard similarity of two sets: what they share, of all that either has; 1 of two empty ones. Repeats count once. */
export function jaccard(a: Iterable<number>, b: Iterable<number>): number {
  const [left, right] = [asSet(a), asSet(b)];
  let shared = 0;
  for (const item of left) if (right.has(item)) shared++;
  const all = left.size + right.size - shared;
  return all === 0 ? 1 : shared / all;
}

const asSet = (items: Iterable<number>) => (items instanceof Set ? (items as Set<number>) : new Set(items));

export interface SimilarityOptions {
  /** Pairs of users to compare, or how many to draw from those there are at first; 1000 when left out. */
  pairs?: number | readonly (readonly [number, number])[];
  /** Describe how the similarities of pairs are distributed. */
  diagnostics?: boolean;
}

/** Homogenisation: mean Jaccard similarity over pairs of users of all that they have chosen so far. */
export function interactionSimilarity(options: SimilarityOptions = {}): Measurement {
  const chosenBy = new Map<number, { items: Set<number>; steps: number }>(); // of users who are compared
  return similarity('interaction_similarity', options, ({ interactions }) => {
    if (interactions.length === 0) return null;
    return (user) => {
      const chosen = chosenBy.get(user) ?? { items: new Set(), steps: 0 };
      for (; chosen.steps < interactions.length; chosen.steps++) {
        const step = interactions[chosen.steps];
        if (user < step.length) chosen.items.add(step[user]);
      }
      chosenBy.set(user, chosen);
      return chosen.items.size > 0 ? chosen.items : undefined;
    };
  });
}

/** Mean Jaccard similarity over pairs of users of what the step showed them. */
export function recommendationSimilarity(options: SimilarityOptions = {}): Measurement {
  return similarity('rec_similarity', options, ({ shown }) =>
    shown
      ? (user) => {
          const list = shown.items.subarray(user * shown.k, (user + 1) * shown.k);
          return list.length > 0 ? list : undefined;
        }
      : null,
  );
}

function similarity(
  name: string,
  { pairs = 1000, diagnostics = false }: SimilarityOptions,
  setsOf: (population: Population) => ((user: number) => Iterable<number> | undefined) | null,
): Measurement {
  let compared: readonly (readonly [number, number])[] | undefined;
  let observations: Float64Array | null = null;
  return {
    name,
    measure(population) {
      compared ??= typeof pairs === 'number' ? drawPairs(pairs, population, name) : checkPairs(pairs, population);
      const setOf = setsOf(population);
      const similarities: number[] = [];
      for (const pair of setOf ? compared : []) {
        const [a, b] = pair.map(setOf!);
        if (a && b) similarities.push(jaccard(a, b)); // not with those who have just joined
      }
      observations = similarities.length > 0 ? Float64Array.from(similarities) : null;
      return observations && observations.reduce((sum, value) => sum + value, 0) / observations.length;
    },
    ...(diagnostics && { observations: () => observations }),
  };
}

/** All pairs where there are no more than wanted; else so many different ones. */
function drawPairs(wanted: number, { numUsers, random }: Population, name: string): (readonly [number, number])[] {
  const numPairs = (numUsers * (numUsers - 1)) / 2;
  if (wanted >= numPairs) {
    const ofUser = (a: number) => Array.from({ length: numUsers - a - 1 }, (_, i) => [a, a + 1 + i] as const);
    return Array.from({ length: numUsers }, (_, a) => ofUser(a)).flat();
  }
  const generator = random(`${name} pairs`);
  const drawn = new Map<number, readonly [number, number]>();
  while (drawn.size < wanted) {
    const [a, b] = [generator.integer(numUsers), generator.integer(numUsers)];
    if (a < b) drawn.set(a * numUsers + b, [a, b]);
  }
  return [...drawn.values()];
}

function checkPairs(pairs: readonly (readonly [number, number])[], { numUsers }: Population) {
  for (const user of pairs.flat()) {
    if (!(Number.isInteger(user) && user >= 0 && user < numUsers)) {
      throw new RangeError(`simulation: pairs must be of users in [0, ${numUsers}), got ${user}`);
    }
  }
  return pairs;
}
