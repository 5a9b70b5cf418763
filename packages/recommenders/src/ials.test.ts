import { sparseMatrix } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import { ialsSchema, solveRows } from './ials.js';

const config = ialsSchema.parse({ factors: 2, alpha: 4, regularization: 0.5 });
const met = [
  [1, 0, 2],
  [0, 1, 0],
];
const matrix = sparseMatrix(
  met.map((row) => new Map(row.map((value, column) => [column, value] as const).filter(([, value]) => value > 0))),
  3,
);

/** sum of c (p - x y)^2 + reg (|X|^2 + |Y|^2), entry by entry. */
function lossOf(x: Float64Array, y: Float64Array): number {
  const norms = [...x, ...y].reduce((sum, value) => sum + value * value, 0);
  return met.reduce(
    (total, row, u) =>
      total +
      row.reduce((sum, value, i) => {
        const prediction = x[2 * u] * y[2 * i] + x[2 * u + 1] * y[2 * i + 1];
        return sum + (1 + config.alpha * value) * ((value > 0 ? 1 : 0) - prediction) ** 2;
      }, 0),
    config.regularization * norms,
  );
}

describe('iALS', () => {
  const items = Float64Array.of(0.3, -0.2, 0.5, 0.4, -0.1, 0.7);

  it('solves the normal equations: no step from a solution lowers the loss', () => {
    const users = solveRows(matrix, items, config);
    const least = lossOf(users, items);
    for (let place = 0; place < users.length; place++) {
      for (const step of [-1e-3, 1e-3]) {
        const moved = users.slice();
        moved[place] += step;
        expect(lossOf(moved, items)).toBeGreaterThan(least);
      }
    }
  });

  it('lowers the loss with every sweep', () => {
    const byItem = sparseMatrix(
      [0, 1, 2].map((i) => new Map(met.flatMap((row, u) => (row[i] > 0 ? [[u, row[i]]] : [])))),
      2,
    );
    let y = items;
    let before = Infinity;
    for (let sweep = 0; sweep < 6; sweep++) {
      const x = solveRows(matrix, y, config);
      y = solveRows(byItem, x, config);
      expect(lossOf(x, y)).toBeLessThan(before);
      before = lossOf(x, y);
    }
  });
});
