import { packSequences, sequenceOf } from '@codebeam/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entropyOf, giniIndex, type RankingInput, rankedLists, rankTargets, type TieRule, tieRules } from './index.js';

const sequences = (...lists: number[][]) => packSequences(lists.map((list) => Int32Array.from(list)));

/** One user, whose list has every item with one score, and who is to be given `target`. */
function constant(numItems: number, target: number): RankingInput {
  const items = Array.from({ length: numItems }, (_, item) => item);
  return {
    lists: { ...sequences(items.toReversed()), scores: new Float64Array(numItems) },
    targets: sequences([target]),
    train: sequences([]),
    numItems,
  };
}

const rankBy = (ties: TieRule, input: RankingInput, seed = 0) => rankTargets(input, { ties, mask: 'none' }, 10, seed);

describe('rankTargets', () => {
  it('ranks by the rule where all scores are equal', () => {
    const ranks = (numItems: number) =>
      tieRules.filter((ties) => ties !== 'random').map((ties) => [ties, rankBy(ties, constant(numItems, 7)).ranks[0]]);
    expect(ranks(39)).toEqual([
      ['standard', 1],
      ['conservative', 39],
      ['median', 20],
      ['lowest-id', 8],
    ]);
    expect(ranks(40)).toEqual([
      ['standard', 1],
      ['conservative', 40],
      ['median', 20.5],
      ['lowest-id', 8],
    ]);
  });

  it('draws the order of random ties by the seed, evenly', () => {
    const ranks = Array.from({ length: 300 }, (_, seed) => rankBy('random', constant(3, 1), seed).ranks[0]);
    expect(rankBy('random', constant(3, 1), 5)).toEqual(rankBy('random', constant(3, 1), 5));
    for (const rank of [1, 2, 3]) {
      const count = ranks.filter((one) => one === rank).length;
      expect(Math.abs(count - 100)).toBeLessThan(35); // standard deviation 8
    }
  });

  it('leaves better and worse scores where they are', () => {
    const lists = { ...sequences([9, 4, 2, 6, 0]), scores: Float64Array.of(5, 3, 3, 3, 1) };
    const input = { lists, targets: sequences([2, 9, 0, 8]), train: sequences([]), numItems: 10 };
    expect([...rankBy('standard', input).ranks]).toEqual([2, 1, 5, Infinity]);
    expect([...rankBy('conservative', input).ranks]).toEqual([4, 1, 5, Infinity]);
    expect([...rankBy('median', input).ranks]).toEqual([3, 1, 5, Infinity]);
    const byId = rankBy('lowest-id', input);
    expect([...byId.ranks]).toEqual([2, 1, 5, Infinity]);
    expect([...byId.midRanks]).toEqual([3, 1, 5, Infinity]);
    expect([...byId.shown.items]).toEqual([9, 2, 4, 6, 0]);
  });

  it('masks what was seen before it ranks and cuts, and then cannot find it', () => {
    const input = {
      lists: sequences([1, 0, 3, 2]),
      targets: sequences([3, 1]),
      train: sequences([1, 1, 0]),
      numItems: 4,
    };
    const { ranks, shown, candidates, masked } = rankTargets(input, { ties: 'lowest-id', mask: 'seen' }, 1);
    expect([...ranks]).toEqual([1, Infinity]);
    expect([...sequenceOf(shown, 0)]).toEqual([3]);
    expect([[...candidates], [...masked]]).toEqual([[2], [0, 1]]);
  });

  it('refuses repeated items, items that do not exist, and scores that rise', () => {
    const input = constant(4, 1);
    const listing = (lists: RankingInput['lists']) => () => rankBy('standard', { ...input, lists });
    expect(listing(sequences([1, 1]))).toThrow('eval: items of a list must differ, got 1 twice for user 0');
    expect(listing(sequences([4]))).toThrow('eval: listed items must be in [0, 4), got 4 for user 0');
    expect(listing({ ...sequences([0, 1]), scores: Float64Array.of(1, 2) })).toThrow(
      'eval: scores of a list must not rise',
    );
  });
});

describe('rankedLists', () => {
  it('ends a list at -1', () => {
    const lists = rankedLists(Int32Array.of(3, 1, 2, -1, -1, -1), 2, Float32Array.of(9, 8, 7, -1, -1, -1));
    expect([0, 1, 2].map((user) => [...sequenceOf(lists, user)])).toEqual([[3, 1], [2], []]);
    expect([...(lists.scores ?? [])]).toEqual([9, 8, 7]);
  });
});

describe('giniIndex', () => {
  it('is 0 when all items are listed alike, 1 when one is listed alone, and between otherwise', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (counts, times) => {
          const n = counts.length;
          expect(giniIndex(new Float64Array(n).fill(times), n, n - 1)).toBeCloseTo(0, 12);
          expect(
            giniIndex(
              Float64Array.from(counts, (_, item) => (item === 0 ? times : 0)),
              n,
              n - 1,
            ),
          ).toBeCloseTo(1, 12);
          if (counts.every((count) => count === 0)) return;
          const gini = giniIndex(Float64Array.from(counts), n, n - 1);
          expect(gini >= -1e-12 && gini <= 1 + 1e-12).toBe(true);
        },
      ),
    );
  });
});

describe('entropyOf', () => {
  it('is ln n of n items listed alike, 0 of one', () => {
    expect(entropyOf(Float64Array.of(3, 3, 3, 0))).toBeCloseTo(Math.log(3), 12);
    expect(entropyOf(Float64Array.of(0, 5))).toBeCloseTo(0, 12);
  });
});
