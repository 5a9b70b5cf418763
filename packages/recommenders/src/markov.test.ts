import { describe, expect, it } from 'vitest';
import { markov } from './index.js';

// 0 is followed by 3 once (first), by 1 twice, by 2 once. Counts: 0 x4, 1 x2, 3 x1, 2 x1, 4 x1, 5 x0.
const sequences = { offsets: Int32Array.of(0, 2, 5, 7, 9), items: Int32Array.of(0, 3, 4, 0, 1, 0, 1, 0, 2) };

async function recommend(history: number[], maskHistory: boolean): Promise<number[]> {
  const recommender = await markov.fit({ sequences, numItems: 6, fittedOn: 'train' });
  const { items } = await recommender.recommend([Int32Array.from(history)], 6, { maskHistory });
  return [...items];
}

describe('markov', () => {
  it('ranks by count of transitions from the last item, of equal counts the one seen first, then by popularity', async () => {
    expect(await recommend([4, 0], false)).toEqual([1, 3, 2, 0, 4, 5]);
  });

  it('reads the last item only but masks the whole history', async () => {
    expect(await recommend([1, 0], true)).toEqual([3, 2, 4, 5, -1, -1]);
  });

  it('falls back to popularity for an empty history and for an item that nothing follows', async () => {
    expect(await recommend([], true)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await recommend([5], true)).toEqual([0, 1, 2, 3, 4, -1]);
  });

  it('does not depend on how items are numbered, but among equally popular items', async () => {
    const renumber = [5, 4, 3, 2, 1, 0];
    const renumbered = { offsets: sequences.offsets, items: sequences.items.map((item) => renumber[item]) };
    const recommender = await markov.fit({ sequences: renumbered, numItems: 6, fittedOn: 'train' });
    const { items } = await recommender.recommend([Int32Array.of(renumber[0])], 3, { maskHistory: true });
    expect([...items].map((item) => renumber.indexOf(item))).toEqual([1, 3, 2]);
  });
});
