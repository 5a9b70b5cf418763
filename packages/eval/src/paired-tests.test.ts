import { describe, expect, it } from 'vitest';
import { compareValues, describeSample, pairedTTest, welchTest, wilcoxonTest } from './index.js';

// Expected values of ttest_rel, ttest_ind(equal_var=False) and wilcoxon of SciPy 1.17.1, by hand.
const a = Float64Array.of(125, 115, 130, 140, 140, 115, 140, 125, 140, 135);
const b = Float64Array.of(110, 122, 125, 120, 140, 124, 123, 137, 135, 145);
const zeros = (length: number) => new Float64Array(length);

describe('pairedTTest', () => {
  it('agrees with SciPy', () => {
    const { statistic, degreesOfFreedom, pValue, difference } = pairedTTest(a, b);
    expect(statistic).toBeCloseTo(0.6362966894762422, 12);
    expect(degreesOfFreedom).toBe(9);
    expect(pValue).toBeCloseTo(0.5404255793265436, 12);
    expect(difference.mean).toBeCloseTo(2.4, 12);
    expect(difference.low).toBeCloseTo(-6.132461791031217, 10);
    expect(difference.high).toBeCloseTo(10.932461791031217, 10);
  });

  it('leaves out users of whom one model says nothing', () => {
    const withNaN = (values: Float64Array) => Float64Array.of(...values, Number.NaN);
    expect(pairedTTest(withNaN(a), Float64Array.of(...b, 3))).toEqual(pairedTTest(a, b));
  });

  it('is certain of differences that do not vary', () => {
    expect(pairedTTest(a, a)).toMatchObject({ statistic: 0, pValue: 1, difference: { low: 0, high: 0 } });
    expect(
      pairedTTest(
        a,
        a.map((value) => value - 1),
      ).pValue,
    ).toBe(0);
  });

  it('refuses other numbers of users, and a single pair', () => {
    expect(() => pairedTTest(a, zeros(3))).toThrow('eval: models to compare must have the same users, got 10 and 3');
    expect(() => pairedTTest(zeros(1), zeros(1))).toThrow('eval: pairs to test must be two at least, got 1');
  });
});

describe('welchTest', () => {
  it('agrees with SciPy', () => {
    const { statistic, degreesOfFreedom, pValue, difference } = welchTest(describeSample(a), describeSample(b));
    expect(statistic).toBeCloseTo(0.51436444956432, 12);
    expect(degreesOfFreedom).toBeCloseTo(17.93884944170961, 10);
    expect(pValue).toBeCloseTo(0.6132759246515894, 12);
    expect(difference.low).toBeCloseTo(-7.405197880776157, 10);
    expect(difference.high).toBeCloseTo(12.205197880776169, 10);
  });

  it('gives the effect of a treatment in percent: 100 users each, means 10 and 11, variances 4 and 9', () => {
    const { percent, degreesOfFreedom, pValue } = welchTest(
      { n: 100, mean: 11, variance: 9 },
      { n: 100, mean: 10, variance: 4 },
    );
    expect(degreesOfFreedom).toBeCloseTo(172.4845, 4);
    expect(percent.mean).toBeCloseTo(10, 12);
    expect(percent.low).toBeCloseTo(2.8833, 4);
    expect(percent.high).toBeCloseTo(17.1167, 4);
    expect(pValue).toBeCloseTo(0.006156174040327585, 12);
  });
});

describe('wilcoxonTest', () => {
  const signed = (values: number[]) => wilcoxonTest(Float64Array.from(values), zeros(values.length));

  it('is exact for few pairs, with ties and equal pairs too', () => {
    expect(wilcoxonTest(a, b)).toEqual({ statistic: 18, pValue: 0.6328125 });
  });

  it('is exact for up to 50 pairs without', () => {
    const values = [1, -2, 3, 4, -5, 6, 7, 8, -9, 10, 11, 12, 13, -14, 15, 16, 17, 18];
    expect(signed(values)).toEqual({ statistic: 30, pValue: 0.0138702392578125 });
  });

  it('is normal with the variance corrected for ties otherwise', () => {
    const values = Array.from({ length: 40 }, (_, i) => (((i + 1) * 7) % 10 < 6 ? 1 : -1) * ((i + 1) % 9));
    expect(signed(values).statistic).toBe(253);
    expect(signed(values).pValue).toBeCloseTo(0.20796564671804219, 12);
  });

  it('has a continuity correction on request', () => {
    const values = Float64Array.from({ length: 60 }, (_, i) => (-1) ** i * (i + 1) + i);
    expect(wilcoxonTest(values, zeros(60)).pValue).toBeCloseTo(0.0011240207185199806, 12);
    expect(wilcoxonTest(values, zeros(60), { continuity: true }).pValue).toBeCloseTo(0.0011389401364342634, 12);
  });

  it('finds nothing where all pairs are equal', () => {
    expect(wilcoxonTest(a, a)).toEqual({ statistic: 0, pValue: 1 });
  });
});

describe('compareValues', () => {
  it('has the mean of the t-test and an interval about as wide', () => {
    const model = Float64Array.from({ length: 400 }, (_, i) => ((i * 37) % 101) / 101);
    const reference = Float64Array.from({ length: 400 }, (_, i) => ((i * 61) % 89) / 89);
    const byT = pairedTTest(model, reference);
    const { difference, pValue } = compareValues(model, reference, { seed: 1 });
    expect(difference.mean).toBeCloseTo(byT.difference.mean, 12);
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    expect(width(difference) / width(byT.difference)).toBeGreaterThan(0.9);
    expect(width(difference) / width(byT.difference)).toBeLessThan(1.1);
    expect(Math.abs(pValue - byT.pValue)).toBeLessThan(0.1);
  });
});
