import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adjustPValues } from './index.js';

const rounded = (values: number[]) => values.map((value) => Number(value.toFixed(12)));

describe('adjustPValues', () => {
  const pValues = [0.01, 0.04, 0.03, 0.005];

  it('multiplies by the number of tests (Bonferroni)', () => {
    expect(rounded(adjustPValues(pValues, 'bonferroni'))).toEqual([0.04, 0.16, 0.12, 0.02]);
    expect(adjustPValues([0.6, 0.9], 'bonferroni')).toEqual([1, 1]);
  });

  it('steps down (Holm): .005 x 4, .01 x 3, .03 x 2, and .04 not below the one before', () => {
    expect(rounded(adjustPValues(pValues, 'holm'))).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  it('steps up (Benjamini-Hochberg), as false_discovery_control of SciPy 1.17.1', () => {
    expect(rounded(adjustPValues(pValues, 'benjamini-hochberg'))).toEqual([0.02, 0.04, 0.04, 0.02]);
  });

  it('keeps the order of the tests, and Holm between the other two', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }), (values) => {
        const [bonferroni, holm, bh] = (['bonferroni', 'holm', 'benjamini-hochberg'] as const).map((method) =>
          adjustPValues(values, method),
        );
        for (const [i, value] of values.entries()) {
          expect(bonferroni[i]).toBeGreaterThanOrEqual(holm[i]);
          expect(holm[i]).toBeGreaterThanOrEqual(bh[i] - 1e-12);
          expect(bh[i]).toBeGreaterThanOrEqual(value - 1e-12);
          for (const [j, other] of values.entries()) {
            if (value > other)
              for (const adjusted of [bonferroni, holm, bh]) expect(adjusted[i] >= adjusted[j]).toBe(true);
          }
        }
      }),
    );
  });

  it('refuses what is no p-value', () => {
    expect(() => adjustPValues([0.5, Number.NaN], 'holm')).toThrow('eval: p-values must be in [0, 1], got NaN');
  });
});
