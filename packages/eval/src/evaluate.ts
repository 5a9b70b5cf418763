import type { EvaluationCase } from '@codebeam/data';
import type { Recommender } from './recommender.js';

export interface EvaluateOptions {
  /** Cut-offs of the metrics to come; lists are as long as the largest. */
  ks: readonly number[];
  /** Protocol switch: keep items of the history out of the lists. */
  maskHistory: boolean;
  /** N, the size of the catalogue: every item is a candidate, none is sampled. */
  numItems: number;
  /** Histories per call of `recommend`; changes speed and memory, never a result. */
  batchSize?: number;
  /** Original user ids by dense user number, for models with a user token. */
  userIds?: readonly string[];
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** One recommender on one set of cases: everything per user, nothing averaged yet. */
export interface Evaluation {
  name: string;
  parameters: Readonly<Record<string, string | number | boolean>>;
  ks: readonly number[];
  /** Width of `lists`, the largest of `ks`. */
  k: number;
  maskHistory: boolean;
  numItems: number;
  /** [users] dense user numbers, in the order of the cases; the arrays below go by the same order. */
  users: Int32Array;
  /** [users] the items withheld. */
  targets: Int32Array;
  /** [users] items in the history, before any truncation. */
  historyLengths: Int32Array;
  /** [users] place of the target in the list from 1, or 0 when it is not there. */
  ranks: Int32Array;
  /** [users*k] the lists themselves; -1 where a list ends early. */
  lists: Int32Array;
  /** Users whose target is in their own history: with the mask on, nothing can hit them. */
  repeatedTargets: number;
}

/**
 * Full-ranking evaluation: asks for every case's list and finds the target in it.
 *
 * A hit is an item: lists hold items, so two items that share codes never count for one another. The model gets
 * whole histories and reads as much of them as it was made for; the mask covers all of them.
 *
 * @throws RangeError when there are no cases or cut-offs, or a recommender returns lists of another shape
 */
export async function evaluate(
  recommender: Recommender,
  cases: readonly EvaluationCase[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { ks, maskHistory, numItems, batchSize = 256, userIds, onProgress } = options;
  if (cases.length === 0) {
    throw new RangeError('eval: cases must be at least one, got 0; check the split that they come from');
  }
  if (ks.length === 0 || ks.some((k) => !Number.isInteger(k) || k < 1)) {
    throw new RangeError(`eval: ks must be positive integers, got [${ks}]; pass for example [1, 5, 10, 20]`);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`eval: batchSize must be a positive integer, got ${batchSize}; pass for example 256`);
  }
  const k = Math.max(...ks);
  const ranks = new Int32Array(cases.length);
  const lists = new Int32Array(cases.length * k);
  for (let start = 0; start < cases.length; start += batchSize) {
    const batch = cases.slice(start, start + batchSize);
    const ratings = batch.flatMap((one) => one.ratings ?? []);
    const recommendations = await recommender.recommend(
      batch.map(({ history }) => history),
      k,
      {
        maskHistory,
        ...(userIds && { users: batch.map(({ user }) => userIds[user]) }),
        ...(ratings.length === batch.length && { ratings }),
      },
    );
    const { items } = recommendations;
    if (recommendations.k !== k || items.length !== batch.length * k) {
      throw new RangeError(
        `eval: lists of ${recommender.name} must be ${batch.length} of ${k} items, got ${items.length} items at k ${recommendations.k}; pad short lists with -1`,
      );
    }
    lists.set(items, start * k); // [B*k] into [users*k]
    for (const [row, { target }] of batch.entries()) {
      ranks[start + row] = items.subarray(row * k, (row + 1) * k).indexOf(target) + 1;
    }
    onProgress?.({ done: start + batch.length, total: cases.length });
  }
  return {
    name: recommender.name,
    parameters: recommender.parameters ?? {},
    ks: [...new Set(ks)].sort((a, b) => a - b),
    k,
    maskHistory,
    numItems,
    users: Int32Array.from(cases, ({ user }) => user),
    targets: Int32Array.from(cases, ({ target }) => target),
    historyLengths: Int32Array.from(cases, ({ history }) => history.length),
    ranks,
    lists,
    repeatedTargets: cases.filter(({ history, target }) => history.includes(target)).length,
  };
}
