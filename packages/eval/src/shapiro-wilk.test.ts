import { describe, expect, it } from 'vitest';
import { shapiroWilk } from './shapiro-wilk.js';

/** The same numbers in any language: 7919 i mod p, over p. */
const sequence = (length: number, modulus: number) =>
  Float64Array.from({ length }, (_, i) => ((i * 7919) % modulus) / modulus);

describe('shapiroWilk', () => {
  // scipy.stats.shapiro of SciPy 1.17.1, whose normal quantiles have seven digits.
  it.each([
    ['three values', [1, 2, 4], 0.9642857142857142, 0.6368868450289689],
    ['five values', [2.1, 3.3, 4.7, 9.9, 5.2], 0.8986468746706049, 0.402452051062921],
    ['four zeros and a one', [0, 0, 0, 0, 1], 0.552181683501241, 0.00013097817774592973],
    ['ties', [0, 0, 1, 1, 2, 2], 0.8531916065143019, 0.16700283302164826],
    [
      "Shapiro and Wilk's weights of eleven men",
      [148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236],
      0.7888146948631716,
      0.006703814061898823,
    ],
    ['fifty values', sequence(50, 1009), 0.954818582506777, 0.053986531916633065],
    [
      'two hundred',
      sequence(200, 1009).map((x) => Math.exp((x * 1009) / 300)),
      0.8482753832959472,
      3.5494746545821584e-13,
    ],
    ['six thousand', sequence(6000, 10_007), 0.9549336990351388, 1.5468362038393135e-39],
  ])('gives what SciPy gives of %s', (_, values, statistic, pValue) => {
    const result = shapiroWilk(Float64Array.from(values));
    expect(result.statistic).toBeCloseTo(statistic, 7);
    expect(Math.abs(result.pValue / pValue - 1)).toBeLessThan(1e-4);
  });

  it('is 1 of values that do not differ, and an error of two', () => {
    expect(shapiroWilk(Float64Array.of(3, 3, 3, 3))).toEqual({ statistic: 1, pValue: 1 });
    expect(() => shapiroWilk(Float64Array.of(1, 2))).toThrow(
      'eval: values to test for normality must be three at least, got 2',
    );
  });
});
