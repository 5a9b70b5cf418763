import { expect, it } from 'vitest';
import { interactionMatrix } from './interaction-matrix.js';
import { collectInteractions } from './interactions.js';
import { transpose } from './sparse-matrix.js';

const row = (user: string, item: string, timestamp: number, rating?: number) => ({ user, item, timestamp, rating });

it('has one entry a pair: 1, or the latest rating', async () => {
  const rows = [
    row('a', 'x', 1, 2),
    row('b', 'y', 1, 3),
    row('a', 'z', 2, 4),
    row('a', 'x', 9, 5),
    row('a', 'y', 0, 1),
  ];
  const interactions = await collectInteractions(rows);
  const implicit = interactionMatrix(interactions, 'implicit');
  expect(implicit).toEqual({
    rows: 2,
    columns: 3,
    offsets: Int32Array.of(0, 3, 4),
    indices: Int32Array.of(0, 1, 2, 1), // items x y z
    values: Float64Array.of(1, 1, 1, 1),
  });
  expect(interactionMatrix(interactions, 'explicit')).toEqual({ ...implicit, values: Float64Array.of(5, 1, 4, 3) });
  expect(transpose(interactionMatrix(interactions, 'explicit'))).toEqual({
    rows: 3,
    columns: 2,
    offsets: Int32Array.of(0, 1, 3, 4),
    indices: Int32Array.of(0, 0, 1, 0),
    values: Float64Array.of(5, 1, 3, 4),
  });
});

it('asks for ratings where they are wanted', async () => {
  const interactions = await collectInteractions([row('a', 'x', 1)]);
  expect(() => interactionMatrix(interactions, 'explicit')).toThrow(
    'data: explicit feedback must have a rating in every row, got rows without',
  );
});
