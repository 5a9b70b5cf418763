import type { EvaluationCase } from '@codebeam/data';
import { createKey, permutation } from '@codebeam/random';
import type { Evaluation } from './evaluate.js';

/** One user's case in words, for the report page. */
export interface ExampleUser {
  user: string;
  /** Titles, oldest first. */
  history: string[];
  target: string;
  /** One per model; `rank` is 0 when the target is not among the items. */
  lists: { model: string; rank: number; items: { title: string; isTarget: boolean }[] }[];
}

export interface ChooseExamplesOptions {
  seed: number;
  /** Title of each item; ids will do where there is none. */
  titles: readonly string[];
  userIds?: readonly string[];
  /** How many users. */
  count?: number;
  /** Length of the lists shown. */
  k?: number;
}

/**
 * Draws users to look at: half of them with a hit of the first model, half without, each half a seeded draw, so that
 * nobody picked them by hand. Where one half falls short the other fills up.
 *
 * @param evaluations  models on the same cases; the first decides what a hit is
 * @param cases        the cases they were evaluated on
 */
export function chooseExamples(
  evaluations: readonly [Evaluation, ...Evaluation[]],
  cases: readonly EvaluationCase[],
  options: ChooseExamplesOptions,
): ExampleUser[] {
  const { seed, titles, userIds, count = 12, k = 10 } = options;
  const rankOf = ({ ranks }: Evaluation, place: number) => (ranks[place] <= k ? ranks[place] : 0);
  const drawn = Array.from(permutation(createKey(seed, 'sample'), cases.length));
  const hits = drawn.filter((place) => rankOf(evaluations[0], place) > 0);
  const misses = drawn.filter((place) => rankOf(evaluations[0], place) === 0);
  const numHits = Math.min(hits.length, Math.max(Math.ceil(count / 2), count - misses.length));
  return [...hits.slice(0, numHits), ...misses.slice(0, count - numHits)].map((place) => {
    const { user, history, target } = cases[place];
    return {
      user: userIds?.[user] ?? String(user),
      history: Array.from(history, (item) => titles[item]),
      target: titles[target],
      lists: evaluations.map((evaluation) => ({
        model: evaluation.name,
        rank: rankOf(evaluation, place),
        items: Array.from(
          evaluation.lists.subarray(place * evaluation.k, place * evaluation.k + Math.min(k, evaluation.k)),
        )
          .filter((item) => item >= 0 && item < titles.length)
          .map((item) => ({ title: titles[item], isTarget: item === target })),
      })),
    };
  });
}
