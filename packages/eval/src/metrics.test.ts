import { describe, expect, it } from 'vitest';
import {
  countInvalid,
  countListed,
  coverageAtK,
  hitRateAtK,
  invalidIdRateAtK,
  mapAtK,
  mrrAtK,
  ndcgAtK,
  precisionAtK,
  rankMetrics,
  recallAtK,
} from './index.js';

describe('metrics of a rank', () => {
  it('of the first place', () => {
    expect([recallAtK, hitRateAtK, ndcgAtK, mrrAtK, mapAtK].map((metric) => metric(1, 5))).toEqual([1, 1, 1, 1, 1]);
    expect(precisionAtK(1, 5)).toBe(0.2);
  });

  it('of the third place: NDCG 1/log2(4), MRR 1/3', () => {
    expect(ndcgAtK(3, 5)).toBe(0.5);
    expect(mrrAtK(3, 5)).toBe(1 / 3);
    expect(mapAtK(3, 5)).toBe(1 / 3);
    expect(precisionAtK(3, 10)).toBe(0.1);
  });

  it('counts the last place of the list and not the next', () => {
    expect([recallAtK(5, 5), recallAtK(6, 5)]).toEqual([1, 0]);
    expect([ndcgAtK(5, 5), ndcgAtK(6, 5)]).toEqual([1 / Math.log2(6), 0]);
  });

  it('is 0 for a target that is not in the list, said as 0 or as Infinity', () => {
    for (const metric of Object.values(rankMetrics)) expect([metric(0, 5), metric(Infinity, 5)]).toEqual([0, 0]);
  });
});

describe('metrics of the lists', () => {
  // Two lists of 3 over a catalogue of 5: one ends early, one repeats an item and holds one that does not exist.
  const lists = Int32Array.of(0, 2, -1, 2, 2, 7);

  it('counts how often an item is listed, and the share of items that are', () => {
    expect([...countListed(lists, 3, 3, 5)]).toEqual([1, 0, 3, 0, 0]);
    expect(coverageAtK(lists, 3, 3, 5)).toBe(2 / 5);
    expect(coverageAtK(lists.subarray(3), 3, 1, 5)).toBe(1 / 5);
  });

  it('counts -1, items that do not exist and repeated items as invalid', () => {
    expect([...countInvalid(lists, 3, 3, 5)]).toEqual([1, 2]);
    expect(invalidIdRateAtK(lists, 3, 3, 5)).toBe(3 / 6);
    expect(invalidIdRateAtK(lists, 3, 1, 5)).toBe(0);
  });

  it('does not call an item repeated that another list has', () => {
    expect(invalidIdRateAtK(Int32Array.of(1, 1, 1), 1, 1, 5)).toBe(0);
  });
});
