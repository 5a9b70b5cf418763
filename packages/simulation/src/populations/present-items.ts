import { createGenerator, foldIn, type Generator } from '@codebeam/random';
import { historyOf, type Population } from './population.js';
import { type BestItems, drawRanks, findBest, type ItemSet, sampleItems, writeRanking } from './rank-items.js';
import type { KeyOf } from './streams.js';

/** Picks items that are shown besides those recommended. */
export type Interleave = (request: {
  user: number;
  /** How many are wanted. */
  k: number;
  step: number;
  numItems: number;
  /** Whether this run may show an item to this user. */
  isEligible: (item: number) => boolean;
  random: Generator;
}) => ArrayLike<number>;

/** What a run shows. */
export interface PresentOptions {
  /** Shows random items only. */
  startup?: boolean;
  /** Places of each list that are given to random (interleaved) items; 0 when left out. */
  randomItemsPerIter?: number;
  /** Each step draws how many of these there are, from 0 up. */
  varyRandomItemsPerIter?: boolean;
  /** False: nobody is shown what they have met. */
  repeatedItems?: boolean;
}

interface Presentation {
  population: Population;
  numItemsPerIter?: number | 'all';
  probabilisticRecommendations?: boolean;
  interleave?: Interleave;
  keyOf: KeyOf;
  /** What a user has met; good until the next call. */
  consumedBy: (user: number) => ItemSet;
}

const nothing: ItemSet = new Set();

/** The first part of a step: what each user is shown. */
export function createPresentation({
  population,
  numItemsPerIter = 10,
  probabilisticRecommendations = false,
  interleave,
  keyOf,
  consumedBy,
}: Presentation): (run: PresentOptions) => Promise<{ k: number; items: Int32Array }> {
  /** [U*k] what the system recommends. */
  async function recommend(k: number, repeatedItems: boolean): Promise<Int32Array> {
    const lists = new Int32Array(population.numUsers * k);
    if (k === 0) return lists;
    if (population.system.recommend) return recommendByLists(k, repeatedItems, lists);
    const scorer = population.predictedScores!;
    const met = repeatedItems ? () => nothing : consumedBy;
    const mostMet = repeatedItems ? 0 : Math.min(population.interactions.length, population.numItems);
    let places: Int32Array | undefined;
    if (probabilisticRecommendations) {
      // The same places for all, so no more than the one who has met most has items for.
      let numLeft = population.numItems;
      for (let user = 0; user < population.numUsers; user++) {
        numLeft = Math.min(numLeft, population.numItems - met(user).size);
      }
      if (numLeft < k) throw notEnough(k, numLeft);
      places = drawRanks(numLeft, k, createGenerator(foldIn(keyOf('present', population.step), -1)));
    }
    const numRanked = places ? places.reduce((last, place) => Math.max(last, place), 0) + 1 : k;
    const count = Math.min(population.numItems, numRanked + mostMet);
    const scores = new Float64Array(population.numItems);
    const ranked = new Int32Array(numRanked);
    let best: BestItems | undefined;
    const key = keyOf('present', population.step);
    for (let user = 0; user < population.numUsers; user++) {
      if (!best || !scorer.isSame(user - 1, user)) {
        scorer.write(user, scores);
        best = findBest(scores, count);
      }
      const list = lists.subarray(user * k, (user + 1) * k);
      const written = writeRanking(best, met(user), createGenerator(foldIn(key, user)), places ? ranked : list);
      if (written < numRanked) throw notEnough(numRanked, written);
      if (places) for (let place = 0; place < k; place++) list[place] = ranked[places[place]];
    }
    return lists;
  }

  async function recommendByLists(k: number, repeatedItems: boolean, lists: Int32Array): Promise<Int32Array> {
    if (probabilisticRecommendations) {
      throw new RangeError(
        'simulation: probabilistic recommendations must come of scores, got a system that makes lists; turn them off',
      );
    }
    const { numUsers, numItems } = population;
    const histories = Array.from({ length: numUsers }, (_, user) => historyOf(population, user));
    const made = await population.system.recommend!({ k, histories, repeatedItems });
    if (made.length !== lists.length) {
      throw new RangeError(`simulation: lists of a system must have ${lists.length} places, got ${made.length}`);
    }
    lists.set(made);
    const key = keyOf('present', population.step);
    for (let user = 0; user < numUsers; user++) {
      const list = lists.subarray(user * k, (user + 1) * k);
      const wrong = list.find((item) => item >= numItems);
      if (wrong !== undefined) {
        throw new RangeError(`simulation: lists of a system must hold items in [0, ${numItems}), got ${wrong}`);
      }
      const end = list.findIndex((item) => item < 0);
      if (end < 0) continue;
      const taken = new Set(list.subarray(0, end));
      if (!repeatedItems) for (const item of histories[user]) taken.add(item);
      const filled = sampleItems(numItems, taken, createGenerator(foldIn(key, user)), list.subarray(end));
      if (end + filled < k) throw notEnough(k, end + filled);
    }
    return lists;
  }

  function writeInterleaved(user: number, met: ItemSet, random: Generator, into: Int32Array): void {
    const { numItems, step } = population;
    const isEligible = (item: number) => item >= 0 && item < numItems && !met.has(item);
    const picked = interleave!({ user, k: into.length, step, numItems, isEligible, random });
    const wrong = Array.from(picked).find((item) => !Number.isInteger(item) || item < 0 || item >= numItems);
    if (picked.length !== into.length || wrong !== undefined) {
      throw new RangeError(
        `simulation: interleaved items must be ${into.length} in [0, ${numItems}), got ${Array.from(picked).join(', ')}`,
      );
    }
    into.set(picked);
  }

  /** [U*k] recommended items, and among them at random places those of the interleaving. */
  return async function present(run: PresentOptions): Promise<{ k: number; items: Int32Array }> {
    const { startup = false, randomItemsPerIter = 0, varyRandomItemsPerIter = false, repeatedItems = true } = run;
    const { numItems, step } = population;
    const k = numItemsPerIter === 'all' ? numItems : numItemsPerIter;
    if (!Number.isInteger(k) || k < 1 || k > numItems) {
      throw new RangeError(
        `simulation: items per step must be from 1 to the number of items, ${numItems}, got ${k}; show fewer`,
      );
    }
    if (!Number.isInteger(randomItemsPerIter) || randomItemsPerIter < 0 || randomItemsPerIter > k) {
      throw new RangeError(
        `simulation: random items per step must be from 0 to the items per step, ${k}, got ${randomItemsPerIter}`,
      );
    }
    const key = keyOf('interleave', step);
    const chosen = varyRandomItemsPerIter ? createGenerator(foldIn(key, -1)).integer(randomItemsPerIter + 1) : 0;
    const numRandom = startup ? k : varyRandomItemsPerIter ? chosen : randomItemsPerIter;
    const recommended = await recommend(k - numRandom, repeatedItems);
    if (numRandom === 0) return { k, items: recommended };
    const shown = new Int32Array(population.numUsers * k);
    const picked = new Int32Array(numRandom);
    const columns = new Int32Array(numRandom);
    for (let user = 0; user < population.numUsers; user++) {
      const random = createGenerator(foldIn(key, user));
      const met = repeatedItems ? nothing : consumedBy(user);
      if (interleave) writeInterleaved(user, met, random, picked);
      else {
        const found = sampleItems(numItems, met, random, picked);
        if (found < numRandom) throw notEnough(numRandom, found);
      }
      const list = shown.subarray(user * k, (user + 1) * k).fill(-1);
      if (numRandom === k) {
        list.set(picked);
        continue;
      }
      sampleItems(k, nothing, random, columns);
      for (const [place, column] of columns.entries()) list[column] = picked[place];
      let next = user * (k - numRandom);
      for (let place = 0; place < k; place++) if (list[place] < 0) list[place] = recommended[next++];
    }
    return { k, items: shown };
  };
}

function notEnough(wanted: number, left: number): RangeError {
  return new RangeError(
    `simulation: items that a user has not met must be ${wanted} at least to be shown, got ${left}; allow repeated items or show fewer`,
  );
}
