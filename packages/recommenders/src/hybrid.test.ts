import type { Recommender } from '@codebeam/eval';
import { describe, expect, it } from 'vitest';
import { countLogit, createHybridRecommender } from './index.js';

/** Says the same to everybody. */
const constant = (name: string, items: number[], scores: number[]): Recommender => ({
  name,
  parameters: { fittedOn: 'train' },
  async recommend(histories, k) {
    const row = (values: number[], nothing: number) => Array.from({ length: k }, (_, i) => values[i] ?? nothing);
    return {
      k,
      items: Int32Array.from(histories.flatMap(() => row(items, -1))),
      scores: Float32Array.from(histories.flatMap(() => row(scores, -Infinity))),
    };
  },
});

const options = { maskHistory: false };
const history = [Int32Array.of(0)];
const log = Math.log;

describe('createHybridRecommender', () => {
  const first = constant('first', [4, 1], [log(3), log(1)]); // .75, .25
  const second = constant('second', [1, 2], [8, 2]); // .8, .2

  it('adds weighted log-probabilities; an item that a list lacks has the least of that list', async () => {
    const hybrid = createHybridRecommender(
      [
        { recommender: first, weight: 1 },
        { recommender: second, weight: 0.5, logit: countLogit },
      ],
      6,
    );
    const { items, scores } = await hybrid.recommend(history, 4, options);
    const expected: [number, number][] = [
      [4, log(0.75) + 0.5 * log(0.2)],
      [1, log(0.25) + 0.5 * log(0.8)],
      [2, log(0.25) + 0.5 * log(0.2)],
    ];
    expect([...items]).toEqual([...expected.map(([item]) => item), -1]);
    for (const [place, [, score]] of expected.entries()) expect(scores[place]).toBeCloseTo(score, 5);
    expect(hybrid.parameters).toEqual({ first: 1, second: 0.5, depth: 100, fittedOn: 'train' });
  });

  it('takes what a list of counts is filled up with for very unlikely', async () => {
    const filled = constant('filled', [3, 5, 0], [4, -1, -2]); // popularity after the counts
    const hybrid = createHybridRecommender([{ recommender: filled, weight: 1, logit: countLogit }], 6);
    const { items, scores } = await hybrid.recommend(history, 3, options);
    expect([...items]).toEqual([3, 0, 5]);
    for (const [place, score] of [0, log(1e-4 / 4), log(1e-4 / 4)].entries())
      expect(scores[place]).toBeCloseTo(score, 3);
  });

  it('says nothing where no part does', async () => {
    const hybrid = createHybridRecommender([{ recommender: constant('none', [], []), weight: 1 }], 6);
    const { items, scores } = await hybrid.recommend(history, 2, options);
    expect([...items]).toEqual([-1, -1]);
    expect([...scores]).toEqual([-Infinity, -Infinity]);
  });

  it('refuses parts that cannot be added', () => {
    expect(() => createHybridRecommender([], 6)).toThrow('hybrid: parts must be one or more');
    expect(() => createHybridRecommender([{ recommender: first, weight: 0 }], 6)).toThrow('got 0 for first');
    expect(() => createHybridRecommender([{ recommender: first, weight: 1 }], 6, { depth: 0 })).toThrow(
      'depth must be',
    );
  });
});
