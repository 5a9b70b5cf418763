import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignColumns } from './assignment.js';

/** The least total cost by trying every way. */
function leastCost(costs: number[][], taken: Set<number> = new Set()): number {
  const [row, ...rest] = costs;
  if (row === undefined) return 0;
  const totals = row.map((cost, j) => (taken.has(j) ? Infinity : cost + leastCost(rest, new Set([...taken, j]))));
  return Math.min(...totals);
}

describe('assignColumns', () => {
  it('finds the least total cost with distinct columns', () => {
    const problems = fc
      .record({ n: fc.integer({ min: 1, max: 4 }), m: fc.integer({ min: 4, max: 6 }) })
      .chain(({ n, m }) =>
        fc.array(fc.array(fc.nat(9), { minLength: m, maxLength: m }), { minLength: n, maxLength: n }),
      );
    fc.assert(
      fc.property(problems, (costs) => {
        const columns = assignColumns(Float64Array.from(costs.flat()), costs.length, costs[0].length);
        expect(new Set(columns).size).toBe(costs.length);
        const total = costs.reduce((sum, row, i) => sum + row[columns[i]], 0);
        expect(total).toBe(leastCost(costs));
      }),
    );
  });

  it('breaks ties toward the smaller column', () => {
    expect(Array.from(assignColumns(new Float64Array(6), 2, 3))).toEqual([0, 1]);
  });

  it('refuses more rows than columns', () => {
    expect(() => assignColumns(new Float64Array(2), 2, 1)).toThrow(
      'rqvae: rows to assign must be at most the 1 columns, got 2',
    );
  });
});
