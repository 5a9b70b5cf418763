import { packSequences } from '@codebeam/data';
import { expect, it } from 'vitest';
import { userItemMatrix } from './feedback.js';
import { ials, itemKnn, rp3beta, slim } from './index.js';

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

const rated = (rows: number[][]) => ({
  sequences: packSequences(rows.map((row) => Int32Array.from(row.keys()))),
  ratings: Float32Array.from(rows.flat()),
  numItems: rows[0].length,
  fittedOn: 'train' as const,
});

it('a user who rated everything 0 takes nobody anywhere', async () => {
  const rows = [
    [5, 3, 0],
    [4, 0, 2],
  ];
  const options = { feedback: 'explicit', normalize: true };
  const [with0, without] = await Promise.all(
    [[...rows, [0, 0, 0]], rows].map(async (data) =>
      (await rp3beta.fit(rated(data), options)).score([Int32Array.of(1)]),
    ),
  );
  expect([...with0].every(Number.isFinite)).toBe(true);
  expect([...with0].map((score) => score > 0)).toEqual([...without].map((score) => score > 0));
});

it.each([rp3beta, ials])('$name refuses ratings below 0, which are no shares and no confidence', async (model) => {
  const fitted = model.fit(rated([[1, -2]]), { feedback: 'explicit' });
  await expect(fitted).rejects.toThrow(`${model.name}: ratings must be 0 or more, got -2`);
});

it('slim finds the optimum of ratings below 0, too', async () => {
  const rows = [
    [3, -1, 2, -2],
    [-2, 2, 1, 3],
    [1, 1, -3, 2],
    [2, -3, 1, 0],
  ];
  const [alpha, l1] = [0.05, 0.2];
  const options = { alpha, l1, feedback: 'explicit', maxSweeps: 1000, tolerance: 1e-10 };
  const recommender = await slim.fit(rated(rows), options);
  // Column by column, sum_i w_ij (X'X)_ik - (X'X)_jk + U alpha (l1 + (1 - l1) w_kj) is 0 where w_kj > 0, and nowhere less.
  const weights = rows.map((_, item) => recommender.score([Int32Array.of(item)], { ratings: [Float32Array.of(1)] }));
  const w = (await Promise.all(weights)).map((row) => [...row]);
  const gram = (a: number, b: number) => rows.reduce((sum, row) => sum + row[a] * row[b], 0);
  for (let target = 0; target < 4; target++) {
    for (let item = 0; item < 4; item++) {
      if (item === target) continue;
      const slope =
        w.reduce((sum, row, other) => sum + row[target] * gram(other, item), 0) -
        gram(target, item) +
        rows.length * alpha * (l1 + (1 - l1) * w[item][target]);
      if (w[item][target] > 0) expect(slope).toBeCloseTo(0, 4);
      else expect(slope).toBeGreaterThan(-1e-6);
    }
  }
});

it('an item may have been met by more users than a call has arguments', async () => {
  const sequences = packSequences(Array.from({ length: 200_000 }, () => Int32Array.of(0, 1)));
  const recommender = await itemKnn.fit({ sequences, numItems: 2, fittedOn: 'train' }, { shrink: 200_000 });
  expect([...(await recommender.score([Int32Array.of(0)]))]).toEqual([0.5, 0.5]);
});
