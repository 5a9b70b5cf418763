import { packSequences } from '@codebeam/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Conventions, presets, type RankingInput, rankingMetrics } from './index.js';

const { warprec, recbole, gru4rec } = presets;
const sequences = (...lists: number[][]) => packSequences(lists.map((list) => Int32Array.from(list)));
const only = (...metrics: Conventions['metrics']): Conventions => ({ ...warprec, metrics });
const means = (input: RankingInput, conventions: Conventions, ...ks: number[]) =>
  rankingMetrics(input, conventions, ks).overall;

/** N = 10, user 0 met 0 and 1, and is to be given 3 (rated 5) and 5 (rated 3); all others are ranked. */
const toy: RankingInput = {
  lists: sequences([4, 2, 3, 5, 6, 7, 8, 9]),
  targets: { ...sequences([3, 5]), ratings: Float64Array.of(5, 3) },
  train: sequences([0, 1]),
  numItems: 10,
};

describe('rankingMetrics', () => {
  it('has the values of WarpRec for one hit at rank 3 of two', () => {
    const { overall } = rankingMetrics(toy, warprec, [3]);
    const discounts = 1 + 1 / Math.log2(3) + 0.5;
    expect(overall).toMatchObject({
      'precision@3': 1 / 3,
      'recall@3': 0.5,
      'hitRate@3': 1,
      'mrr@3': 1 / 3,
      'coverage@3': 3,
    });
    expect(overall['f1@3']).toBeCloseTo(0.4, 12);
    expect(overall['map@3']).toBeCloseTo(1 / 6, 12);
    expect(overall['mar@3']).toBe(0.25);
    expect(overall['ndcg@3']).toBeCloseTo(63 / 2 / (63 + 15 / Math.log2(3)), 12); // .434699
    expect(overall.auc).toBeCloseTo(5 / 7, 12);
    expect(overall.gauc).toBeCloseTo(5 / 7, 12);
    expect(overall['lauc@3']).toBeCloseTo(5 / 14, 12);
    // The item found was met by nobody, which counts as by one: of one user, and of two pairs.
    expect(overall['epc@3']).toBe(0);
    expect(overall['efd@3']).toBeCloseTo(0.5 / discounts, 12);
    expect(overall['gini@3']).toBeCloseTo(7 / 9, 12); // counts 0 x 7, 1 x 3: (5 + 7 + 9) / (9 * 3)
    expect(overall['entropy@3']).toBeCloseTo(Math.log(3), 12);
    // Head: item 0 holds half, with item 1 it is all, over .8. The list is of the tail alone.
    expect(overall).toMatchObject({ 'arp@3': 1, 'aplt@3': 1, 'aclt@3': 3, 'popReo@3': 0, 'popRsp@3': 1 });
  });

  it('has those of RecBole, which differ in gain, Gini index, entropy and coverage', () => {
    const theirs = means(toy, recbole, 3);
    const ours = means(toy, warprec, 3);
    expect(theirs['ndcg@3']).toBeCloseTo(0.5 / (1 + 1 / Math.log2(3)), 12); // .306574
    expect(theirs['coverage@3']).toBeCloseTo(3 / 11, 12); // ten items and the padding
    expect(theirs['gini@3']).toBeCloseTo((6 + 8 + 10) / (11 * 3), 12);
    expect(theirs['entropy@3']).toBeCloseTo(Math.log(3) / 3, 12);
    const differing = Object.keys(ours).filter((name) => theirs[name] !== ours[name] && ours[name] >= 0);
    expect(differing.sort()).toEqual(['auc', 'coverage@3', 'entropy@3', 'gauc', 'gini@3', 'lauc@3', 'ndcg@3']);
    expect(Object.keys(theirs)).not.toContain('auc'); // of whole lists, to be asked for
  });

  it('has a GAUC of pairs in order for RecBole: of 2 x 6 pairs, 4 + 4', () => {
    expect(means(toy, { ...recbole, metrics: ['gauc'] }, 3).gauc).toBeCloseTo(8 / 12, 12);
  });

  it('weighs users by their test items in the AUC of all and in the pairwise GAUC, and alike in the other', () => {
    const two: RankingInput = {
      lists: sequences([0, 1, 2, 3], [0, 1, 2, 3]),
      targets: sequences([0, 1], [3]),
      train: sequences([], []),
      numItems: 4,
    };
    // Inclusive: user 0 has area 1 twice, user 1 1/4. Pairwise: 1 twice, and 0.
    expect(means(two, only('auc', 'gauc'), 1)).toEqual({ auc: 2.25 / 3, gauc: 1.25 / 2 });
    expect(means(two, { ...only('auc', 'gauc'), area: 'pairwise' }, 1)).toEqual({ auc: 2 / 3, gauc: 2 / 3 });
  });

  it('averages over test rows for GRU4Rec: ranks 3 and 4, seen items kept', () => {
    const { overall, perUser, users } = rankingMetrics(toy, gru4rec, [3, 4]);
    expect(overall).toEqual({ 'recall@3': 0.5, 'recall@4': 1, 'mrr@3': 1 / 6, 'mrr@4': (1 / 3 + 1 / 4) / 2 });
    expect([...perUser['mrr@4']]).toEqual([1 / 3, 1 / 4]);
    expect([...users]).toEqual([0, 0]);
    const seen = { ...toy, lists: sequences([0, 1, 3]) };
    expect(means(seen, gru4rec, 2)['recall@2']).toBe(0);
    expect(means(seen, { ...gru4rec, mask: 'seen' }, 2)['recall@2']).toBe(0.5);
  });

  it('takes NaN for a user without test items, 0 for one without a list, and neither into the lists', () => {
    const three: RankingInput = {
      lists: sequences([0, 1], [2, 3], []),
      targets: sequences([1], [], [0]),
      train: sequences([2], [0], [1]),
      numItems: 4,
    };
    const { perUser, overall } = rankingMetrics(three, warprec, [2]);
    expect([...perUser['recall@2']]).toEqual([1, Number.NaN, 0]);
    expect([...perUser['arp@2']]).toEqual([1, Number.NaN, Number.NaN]);
    expect(overall).toMatchObject({ 'recall@2': 0.5, 'arp@2': 1, 'coverage@2': 2 });
  });

  it('measures popularity by the users that met an item, or by rows', () => {
    // Item 0 was met by both users, once twice; 1 and 2 by one: 4 pairs, 5 rows. Head: 0 and 1, which hold 3 of 4,
    // are not over .8 of it, so that 2 is head too; the tail is item 3.
    const input: RankingInput = {
      lists: sequences([0, 3], [1, 2]),
      targets: sequences([3], [2]),
      train: sequences([0, 0, 1], [0, 2]),
      numItems: 4,
    };
    const conventions = { ...warprec, mask: 'none' } as const;
    const { perUser, overall } = rankingMetrics(input, conventions, [2]);
    expect([...perUser['arp@2']]).toEqual([1.5, 1]);
    expect([...perUser['aplt@2']]).toEqual([0.5, 0]);
    expect([...perUser['aclt@2']]).toEqual([1, 0]);
    // Head: 3 listed, 1 relevant, 3 items; tail: 1, 1, 1.
    expect(overall['popReo@2']).toBeCloseTo(2 / 4, 12);
    expect(overall['popRsp@2']).toBeCloseTo(0, 12);
    // Both hits at rank 2, of items that half of the users met (at least one), a quarter of the pairs.
    const share = 1 / Math.log2(3) / (1 + 1 / Math.log2(3));
    expect(overall['epc@2']).toBeCloseTo(0.5 * share, 12);
    expect(overall['efd@2']).toBeCloseTo(2 * share, 12);
    expect([...rankingMetrics(input, { ...conventions, popularity: 'rows' }, [2]).perUser['arp@2']]).toEqual([1.5, 1]);
    expect([...rankingMetrics(input, { ...conventions, popularity: 'rows' }, [1]).perUser['arp@1']]).toEqual([3, 1]);
    expect(rankingMetrics(input, { ...conventions, headShare: 0.7 }, [2]).perUser['aclt@2'][1]).toBe(1);
  });

  it('has rating errors over each user first, or over all rows', () => {
    const rated: RankingInput = {
      lists: sequences([], []),
      targets: {
        ...sequences([0, 1], [2]),
        ratings: Float64Array.of(4, 2, 5),
        predictions: Float64Array.of(3, 5, 4),
      },
      train: sequences([], []),
      numItems: 3,
    };
    const metrics = ['mae', 'mse', 'rmse'] as const;
    expect(means(rated, only(...metrics), 1)).toEqual({ mae: 1.5, mse: 3, rmse: (Math.sqrt(5) + 1) / 2 });
    const byRow = means(rated, { ...only(...metrics), errors: 'row' }, 1);
    expect(byRow).toEqual({ mae: 5 / 3, mse: 11 / 3, rmse: Math.sqrt(11 / 3) });
  });

  it('weighs recall more in the F-score of a larger beta', () => {
    // Precision 1/3, recall 1/2: 5 PR / (4 P + R).
    expect(means(toy, { ...only('fScore'), beta: 2 }, 3)).toEqual({
      'f2@3': expect.closeTo(5 / 6 / (4 / 3 + 0.5), 12),
    });
  });

  it('refuses bad cut-offs, users that differ in number, repeated targets, and ratings off any scale under exp2', () => {
    expect(() => rankingMetrics(toy, warprec, [0])).toThrow('eval: ks must be positive integers, got [0]');
    expect(() => rankingMetrics({ ...toy, train: sequences() }, warprec, [1])).toThrow('must have the same users');
    expect(() => rankingMetrics({ ...toy, targets: sequences([3, 3]) }, warprec, [1])).toThrow('must differ');
    const negative = { ...sequences([3]), ratings: Float64Array.of(-1) };
    expect(() => rankingMetrics({ ...toy, targets: negative }, warprec, [1])).toThrow('must be from 0 to 100');
  });
});

/** Up to 6 users with lists, targets and training items out of 8 items. */
const anyInput = fc
  .array(
    fc.record({
      list: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]),
      target: fc.subarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
      train: fc.subarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((users) => ({
    lists: sequences(...users.map(({ list }) => list)),
    targets: sequences(...users.map(({ target }) => target)),
    train: sequences(...users.map(({ train }) => train)),
    numItems: 8,
  }));

describe('whatever the lists', () => {
  it('all but popularity and entropy are in [0, 1], and grow with k where they should', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { perUser } = rankingMetrics(input, { ...warprec, coverage: 'fraction' }, [2, 5]);
        for (const [name, values] of Object.entries(perUser)) {
          if (/^(efd|arp|aclt|mae|mse|rmse)/.test(name)) continue;
          for (const value of values)
            if (!Number.isNaN(value)) expect(value >= 0 && value <= 1 + 1e-12, name).toBe(true);
        }
        for (const metric of ['recall', 'hitRate', 'mrr']) {
          const [small, large] = [perUser[`${metric}@2`], perUser[`${metric}@5`]];
          small.forEach((value, user) => void expect(value).toBeLessThanOrEqual(large[user]));
        }
      }),
    );
  });

  it('recall is the hit rate and MAP is MRR by event, where there is one target', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const overall = means(input, { ...warprec, average: 'event' }, 3);
        expect(overall['recall@3']).toBe(overall['hitRate@3']);
        expect(overall['map@3']).toBeCloseTo(overall['mrr@3'], 12);
      }),
    );
  });

  it('binary and exponential gain agree without ratings', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const [binary, exp2] = (['binary', 'exp2'] as const).map((gain) => means(input, { ...only('ndcg'), gain }, 4));
        expect(exp2['ndcg@4']).toBeCloseTo(binary['ndcg@4'], 12);
      }),
    );
  });
});
