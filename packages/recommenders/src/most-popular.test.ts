import { describe, expect, it } from 'vitest';
import { fitMostPopular } from './index.js';

const sequences = { offsets: Int32Array.of(0, 3, 5), items: Int32Array.of(2, 1, 3, 3, 1) };

describe('fitMostPopular', () => {
  it('ranks by count, then by lower id, with items never met last', async () => {
    const { items, scores } = await fitMostPopular(sequences, 5, { fittedOn: 'train' }).recommend(
      [new Int32Array(0)],
      5,
      { maskHistory: true },
    );
    expect([...items]).toEqual([1, 3, 2, 0, 4]);
    expect([...scores]).toEqual([2, 2, 1, 0, 0]);
  });

  it('says what it was fitted on, and takes a name for its row', () => {
    const { name, parameters } = fitMostPopular(sequences, 5, { fittedOn: 'train+validation', name: 'popular-refit' });
    expect({ name, parameters }).toEqual({ name: 'popular-refit', parameters: { fittedOn: 'train+validation' } });
  });

  it('refuses sequences with items outside the catalogue', () => {
    expect(() => fitMostPopular(sequences, 3, { fittedOn: 'train' })).toThrow(
      'recommenders: items of the sequences must be in [0, 3), got 3; pass the size of their catalogue',
    );
  });
});
