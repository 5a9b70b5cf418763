import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sinkhornPlan } from './sinkhorn.js';

const problems = fc
  .record({ n: fc.integer({ min: 1, max: 6 }), m: fc.integer({ min: 1, max: 6 }) })
  .chain(({ n, m }) =>
    fc.record({
      costs: fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: n * m, maxLength: n * m }),
      rows: fc.array(fc.double({ min: 0.1, max: 2, noNaN: true }), { minLength: n, maxLength: n }),
      columns: fc.array(fc.double({ min: 0.1, max: 2, noNaN: true }), { minLength: m, maxLength: m }),
    }),
  )
  .map(({ costs, rows, columns }) => {
    const scale = rows.reduce((a, b) => a + b, 0) / columns.reduce((a, b) => a + b, 0);
    return [Float64Array.from(costs), Float64Array.from(rows), Float64Array.from(columns, (c) => c * scale)] as const;
  });

describe('sinkhornPlan', () => {
  it('has the asked row and column sums', () => {
    fc.assert(
      fc.property(problems, ([costs, rows, columns]) => {
        const plan = sinkhornPlan(costs, rows, columns, { epsilon: 1, iterations: 5000, tolerance: 1e-8 });
        const m = columns.length;
        rows.forEach((mass, i) => {
          const sum = plan.subarray(i * m, (i + 1) * m).reduce((a, b) => a + b, 0);
          expect(Math.abs(sum - mass)).toBeLessThan(1e-5);
        });
        columns.forEach((mass, j) => {
          expect(plan.filter((_, at) => at % m === j).reduce((a, b) => a + b, 0)).toBeCloseTo(mass, 8);
        });
      }),
    );
  });

  it('has the closed form for two rows and two columns', () => {
    // Equal masses 1/2: plan = [[p, q], [q, p]] / 2 with p / q = exp(1 / epsilon).
    const half = Float64Array.of(0.5, 0.5);
    const plan = sinkhornPlan(Float64Array.of(0, 1, 1, 0), half, half, { epsilon: 0.5, iterations: 100 });
    const q = 1 / (1 + Math.exp(2));
    [(1 - q) / 2, q / 2, q / 2, (1 - q) / 2].forEach((expected, i) => {
      expect(plan[i]).toBeCloseTo(expected, 10);
    });
  });

  it('tends to the cheapest plan without underflow', () => {
    const one = Float64Array.of(1, 1);
    const plan = sinkhornPlan(Float64Array.of(0, 5, 1, 9), one, one, { epsilon: 1e-3, iterations: 10_000 });
    // 5 + 1 < 0 + 9
    expect(Array.from(plan, Math.round)).toEqual([0, 1, 1, 0]);
  });

  it('refuses masses of different sums', () => {
    expect(() =>
      sinkhornPlan(new Float64Array(2), Float64Array.of(1), Float64Array.of(1, 1), { epsilon: 1, iterations: 1 }),
    ).toThrow('rqvae: Sinkhorn row and column masses must have equal sums, got 1 and 2');
  });
});
