import { describe, expect, it } from 'vitest';
import { groupByPrefix, meanPurity } from './index.js';

// Five items with two codes each.
const codes = Int32Array.of(3, 0, 1, 0, 3, 1, 1, 1, 3, 0);
const categories = ['nails', 'hair', 'nails', undefined, 'skin'];

describe('groupByPrefix', () => {
  it('counts categories by prefix, largest groups and categories first', () => {
    expect(groupByPrefix(codes, 2, 1, categories)).toEqual([
      {
        prefix: [3],
        items: 3,
        categories: [
          { name: 'nails', items: 2 },
          { name: 'skin', items: 1 },
        ],
        purity: 2 / 3,
      },
      { prefix: [1], items: 2, categories: [{ name: 'hair', items: 1 }], purity: 1 },
    ]);
  });

  it('splits groups as prefixes grow, smaller prefixes first among equals', () => {
    const groups = groupByPrefix(codes, 2, 2, categories).map(({ prefix, items, purity }) => [prefix, items, purity]);
    expect(groups).toEqual([
      [[3, 0], 2, 0.5],
      [[1, 0], 1, 1],
      [[1, 1], 1, 0],
      [[3, 1], 1, 1],
    ]);
  });
});

describe('meanPurity', () => {
  it('weighs groups by their items and leaves out small ones', () => {
    const groups = groupByPrefix(codes, 2, 1, categories);
    expect(meanPurity(groups, 1)).toBeCloseTo((3 * (2 / 3) + 2) / 5, 12);
    expect(meanPurity(groups, 3)).toBeCloseTo(2 / 3, 12);
    expect(meanPurity(groups, 4)).toBeNaN();
  });
});
