import { describe, expect, it } from 'vitest';
import { mostPopular } from './index.js';

const sequences = { offsets: Int32Array.of(0, 3, 5), items: Int32Array.of(2, 1, 3, 3, 1) };

describe('most-popular', () => {
  it('ranks by count, then by lower id, with items never met last', async () => {
    const recommender = await mostPopular.fit({ sequences, numItems: 5, fittedOn: 'train' });
    const { items, scores } = await recommender.recommend([new Int32Array(0)], 5, { maskHistory: true });
    expect([...items]).toEqual([1, 3, 2, 0, 4]);
    expect([...scores]).toEqual([2, 2, 1, 0, 0]);
  });

  it('says what it was fitted on, and takes a name for its row', async () => {
    const refit = { sequences, numItems: 5, fittedOn: 'train+validation' } as const;
    const { name, parameters } = await mostPopular.fit(refit, {}, { name: 'popular-refit' });
    expect({ name, parameters }).toEqual({ name: 'popular-refit', parameters: { fittedOn: 'train+validation' } });
  });

  it('refuses sequences with items outside the catalogue', async () => {
    await expect(mostPopular.fit({ sequences, numItems: 3, fittedOn: 'train' })).rejects.toThrow(
      'recommenders: items of the sequences must be in [0, 3), got 3; pass the size of their catalogue',
    );
  });
});
