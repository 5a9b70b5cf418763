import { describe, expect, it } from 'vitest';
import { compareModels, compareOverSeeds, meansOverSeeds } from './index.js';

const users = 400;
const ranksOf = (seed: number, hits: number) =>
  Int32Array.from({ length: users }, (_, user) => ((user * 7 + seed * 3) % 10 < hits ? 1 + ((user + seed) % 10) : 0));
const options = { seed: 1 };

describe('meansOverSeeds', () => {
  it('is the mean of the seeds, with their deviation beside it', () => {
    const ranks = [Int32Array.of(1, 0, 3, 0), Int32Array.of(1, 2, 0, 0), Int32Array.of(0, 0, 0, 0)];
    const [recall, ndcg] = meansOverSeeds(ranks, ['recall@2', 'ndcg@10'], options);
    expect(recall.mean).toBeCloseTo((0.25 + 0.5 + 0) / 3, 12);
    expect(recall.deviation).toBeCloseTo(0.25, 12);
    expect(ndcg.mean).toBeCloseTo((1.5 / 4 + (1 + 1 / Math.log2(3)) / 4) / 3, 12);
    expect(recall.low).toBeLessThanOrEqual(recall.mean);
    expect(recall.high).toBeGreaterThanOrEqual(recall.mean);
  });

  it('has a narrower interval of several seeds that differ than of one', () => {
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    const [one] = meansOverSeeds([ranksOf(0, 4)], ['recall@10'], options);
    const [three] = meansOverSeeds(
      [0, 1, 2].map((seed) => ranksOf(seed, 4)),
      ['recall@10'],
      options,
    );
    expect(width(three)).toBeLessThan(width(one));
    expect(one.deviation).toBeNaN();
  });
});

describe('compareOverSeeds', () => {
  it('is compareModels where there is one seed', () => {
    const evaluation = (name: string, ranks: Int32Array) => ({
      name,
      ranks,
      k: 10,
      users: ranks.map((_, i) => i),
      targets: ranks.map(() => 0),
    });
    const [model, reference] = [ranksOf(0, 5), ranksOf(1, 3)];
    const [{ difference, pValue }] = compareModels(
      evaluation('a', model) as never,
      evaluation('b', reference) as never,
      ['recall@10'],
      options,
    );
    const [over] = compareOverSeeds([model], [reference], ['recall@10'], options);
    expect(over.difference.mean).toBeCloseTo(difference.mean, 12);
    expect(over.difference.low).toBeCloseTo(difference.low, 1);
    expect(over.pValue).toBeCloseTo(pValue, 6);
  });

  it('finds no difference of a model to itself, and refuses other users', () => {
    const seeds = [ranksOf(0, 5), ranksOf(1, 5)];
    const [{ difference, pValue }] = compareOverSeeds(seeds, seeds, ['ndcg@10'], options);
    expect(difference).toEqual({ mean: 0, low: 0, high: 0 });
    expect(pValue).toBe(1);
    expect(() => compareOverSeeds(seeds, [Int32Array.of(1)], ['ndcg@10'], options)).toThrow(
      'eval: models to compare must have the same users, got 400 and 1',
    );
  });
});
