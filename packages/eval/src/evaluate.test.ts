import { describe, expect, it } from 'vitest';
import { type EvaluateOptions, emptyRecommendations, evaluate, type Recommender } from './index.js';

/** Recommends the items after the last of the history: 5 -> 6, 7, 8 ... */
const successor: Recommender = {
  name: 'successor',
  async recommend(histories, k, { maskHistory }) {
    const recommendations = emptyRecommendations(histories.length, k);
    for (const [row, history] of histories.entries()) {
      let place = row * k;
      for (let item = history.at(-1)! + 1; item < 10 && place < (row + 1) * k; item++) {
        if (!(maskHistory && history.includes(item))) recommendations.items[place++] = item;
      }
    }
    return recommendations;
  },
};

const cases = [
  { user: 4, history: Int32Array.of(2, 5), target: 6 }, // first
  { user: 7, history: Int32Array.of(1), target: 4 }, // third
  { user: 8, history: Int32Array.of(6, 5), target: 9 }, // fourth, or third with 6 masked
  { user: 9, history: Int32Array.of(6, 5), target: 6 }, // first, or masked
];
const options: EvaluateOptions = { ks: [3, 1], maskHistory: false, numItems: 10 };

describe('evaluate', () => {
  it('finds the rank of each target, 0 when it is not in the list of the largest k', async () => {
    const { ranks, lists, k, ks, users, targets, historyLengths } = await evaluate(successor, cases, options);
    expect([...ranks]).toEqual([1, 3, 0, 1]);
    expect([...lists]).toEqual([6, 7, 8, 2, 3, 4, 6, 7, 8, 6, 7, 8]);
    expect({ k, ks }).toEqual({ k: 3, ks: [1, 3] });
    expect([[...users], [...targets], [...historyLengths]]).toEqual([
      [4, 7, 8, 9],
      [6, 4, 9, 6],
      [2, 1, 2, 2],
    ]);
  });

  it('lets the mask hit or miss what the history holds, and counts targets that it makes unreachable', async () => {
    const { ranks, repeatedTargets } = await evaluate(successor, cases, { ...options, maskHistory: true });
    expect([...ranks]).toEqual([1, 3, 3, 0]);
    expect(repeatedTargets).toBe(1);
  });

  it('tells a model what histories were rated, where all are', async () => {
    const asked: unknown[] = [];
    const listening: Recommender = {
      name: 'listening',
      async recommend(histories, k, given) {
        asked.push(given.ratings);
        return emptyRecommendations(histories.length, k);
      },
    };
    const rated = cases.map((one) => ({ ...one, ratings: Float32Array.from(one.history) }));
    await evaluate(listening, rated, { ...options, batchSize: 2 });
    await evaluate(listening, cases, options);
    expect(asked).toEqual([[rated[0].ratings, rated[1].ratings], [rated[2].ratings, rated[3].ratings], undefined]);
  });

  it('gives the same result for every batch size, and reports progress', async () => {
    const progress: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => progress.push(done / total);
    const batched = await evaluate(successor, cases, { ...options, batchSize: 3, onProgress });
    expect(batched).toEqual(await evaluate(successor, cases, options));
    expect(progress).toEqual([0.75, 1]);
  });

  it('gives whole histories, and user ids when it has them', async () => {
    const asked: unknown[] = [];
    const spy: Recommender = {
      name: 'spy',
      recommend(histories, k, { users }) {
        asked.push(...histories.map((history, row) => [history.length, users?.[row]]));
        return successor.recommend(histories, k, { maskHistory: false });
      },
    };
    const long = [{ user: 1, history: new Int32Array(300).fill(2), target: 3 }];
    await evaluate(spy, long, { ...options, userIds: ['anna', 'bert'] });
    await evaluate(spy, long, options);
    expect(asked).toEqual([
      [300, 'bert'],
      [300, undefined],
    ]);
  });

  it('refuses no cases, bad cut-offs, and lists of another shape', async () => {
    await expect(evaluate(successor, [], options)).rejects.toThrow('eval: cases must be at least one, got 0');
    await expect(evaluate(successor, cases, { ...options, ks: [0] })).rejects.toThrow('eval: ks must be positive');
    const short: Recommender = { name: 'short', recommend: async () => emptyRecommendations(1, 3) };
    await expect(evaluate(short, cases, options)).rejects.toThrow(
      'eval: lists of short must be 4 of 3 items, got 3 items at k 3',
    );
  });
});
