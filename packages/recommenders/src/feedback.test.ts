import { packSequences } from '@codebeam/data';
import { expect, it } from 'vitest';
import { userItemMatrix } from './feedback.js';

const sequences = packSequences([Int32Array.of(1, 0, 2, 0), Int32Array.of(1)]);

it('has one entry a pair of user and item: 1, or the latest rating', () => {
  const implicit = userItemMatrix({ sequences, numItems: 3 }, 'implicit');
  expect(implicit).toEqual({
    rows: 2,
    columns: 3,
    offsets: Int32Array.of(0, 3, 4),
    indices: Int32Array.of(0, 1, 2, 1),
    values: Float64Array.of(1, 1, 1, 1),
  });
  const ratings = Float32Array.of(1, 2, 4, 5, 3);
  const explicit = userItemMatrix({ sequences, numItems: 3, ratings }, 'explicit');
  expect(explicit).toEqual({ ...implicit, values: Float64Array.of(5, 1, 4, 3) });
});

it('asks for ratings where they are wanted', () => {
  expect(() => userItemMatrix({ sequences, numItems: 3 }, 'explicit')).toThrow('must come with ratings, got none');
});
