import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { bootstrapInterval, bootstrapMean, countRanks, coverageInterval, recallAtK, resampleCounts } from './index.js';

const isHit = (rank: number) => recallAtK(rank, 10);

describe('resampleCounts', () => {
  const counts = Int32Array.of(700, 200, 0, 100);

  it('draws as many users as there are, of outcomes that occur', () => {
    for (const drawn of resampleCounts(counts, { seed: 1, resamples: 50 })) {
      expect(drawn.reduce((sum, count) => sum + count, 0)).toBe(1000);
      expect(drawn[2]).toBe(0);
    }
  });

  it('repeats itself for a seed and differs for another', () => {
    const draw = (seed: number) => resampleCounts(counts, { seed, resamples: 3 });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('has the mean, variance and covariance of the multinomial that drawing users one by one has', () => {
    const n = 4000;
    const drawn = resampleCounts(counts, { seed: 3, resamples: n });
    const mean = (value: (counts: Int32Array) => number) => drawn.reduce((sum, one) => sum + value(one), 0) / n;
    const first = mean((one) => one[1]);
    const last = mean((one) => one[3]);
    // 1000 draws with chances .2 and .1: means 200 and 100, variances 160 and 90, covariance -20; 5 standard errors.
    expect(Math.abs(first - 200)).toBeLessThan(5 * Math.sqrt(160 / n));
    expect(Math.abs(last - 100)).toBeLessThan(5 * Math.sqrt(90 / n));
    expect(Math.abs(mean((one) => (one[1] - first) ** 2) - 160)).toBeLessThan(5 * 160 * Math.sqrt(2 / n));
    expect(Math.abs(mean((one) => (one[3] - last) ** 2) - 90)).toBeLessThan(5 * 90 * Math.sqrt(2 / n));
    expect(Math.abs(mean((one) => (one[1] - first) * (one[3] - last)) + 20)).toBeLessThan(
      5 * Math.sqrt((160 * 90) / n),
    );
  });

  it('copes with users who are all alike', () => {
    expect(resampleCounts(Int32Array.of(0, 5), { seed: 1, resamples: 2 })).toEqual([
      Int32Array.of(0, 5),
      Int32Array.of(0, 5),
    ]);
  });
});

describe('bootstrapInterval', () => {
  it('is as wide as the normal interval of a proportion: .08 of 22,363 users, +/- .0036', () => {
    const counts = Int32Array.of(20_574, 1789);
    const { mean, low, high } = bootstrapInterval(counts, resampleCounts(counts, { seed: 42 }), isHit);
    expect(mean).toBeCloseTo(0.08, 4);
    expect(mean - low).toBeGreaterThan(0.0032);
    expect(mean - low).toBeLessThan(0.0039);
    expect(high - mean).toBeGreaterThan(0.0032);
    expect(high - mean).toBeLessThan(0.0039);
  });

  it('holds the true mean in about 95 of 100 samples', () => {
    const generator = createGenerator(createKey(5, 'sample'));
    let held = 0;
    for (let trial = 0; trial < 200; trial++) {
      const ranks = Array.from({ length: 400 }, () => (generator.uniform() < 0.3 ? 1 : 0));
      const counts = countRanks(ranks, 1);
      const { low, high } = bootstrapInterval(counts, resampleCounts(counts, { seed: trial, resamples: 400 }), isHit);
      if (low <= 0.3 && 0.3 <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(180); // 190 expected, standard deviation 3
    expect(held).toBeLessThanOrEqual(199);
  });

  it('is a point when no user has a hit', () => {
    const counts = Int32Array.of(9, 0);
    expect(bootstrapInterval(counts, resampleCounts(counts, { seed: 1 }), isHit)).toEqual({ mean: 0, low: 0, high: 0 });
  });
});

describe('bootstrapMean', () => {
  it('is the interval of counted outcomes, for values of any kind and without those that are NaN', () => {
    const values = Float64Array.from({ length: 500 }, (_, user) => (user % 5 === 0 ? 0.25 : user % 7 === 0 ? NaN : 0));
    const counts = Int32Array.of(values.filter((value) => value === 0).length, 100);
    const options = { seed: 3, resamples: 200 };
    const expected = bootstrapInterval(counts, resampleCounts(counts, options), (outcome) => outcome / 4);
    expect(bootstrapMean(values, options)).toEqual(expected);
  });

  it('is as wide as the normal interval of values that all differ, and the same again for a seed', () => {
    const values = Float64Array.from({ length: 400 }, (_, user) => ((user * 37) % 400) / 400);
    const interval = bootstrapMean(values, { seed: 1 });
    expect(interval.mean).toBeCloseTo(399 / 800, 12);
    // Uniform on [0, 1): deviation 1 / sqrt(12), half-width 1.96 / sqrt(12 * 400) = .0283.
    expect(Math.abs(interval.mean - interval.low - 0.0283)).toBeLessThan(0.003);
    expect(Math.abs(interval.high - interval.mean - 0.0283)).toBeLessThan(0.003);
    expect(bootstrapMean(values, { seed: 1 })).toEqual(interval);
    expect(bootstrapMean(values, { seed: 2 }).low).not.toBe(interval.low);
  });

  it('draws users one by one where their values differ', () => {
    const values = Float64Array.from({ length: 50 }, (_, user) => (user * 37) % 50);
    const generator = createGenerator(createKey(1, 'sample'));
    const meanOfDraw = () => values.map(() => values[generator.integer(50)]).reduce((sum, value) => sum + value) / 50;
    const rising = Float64Array.from({ length: 41 }, meanOfDraw).sort();
    // 95 % of 41 means lie between the second and the last but one.
    const expected = { mean: 24.5, low: rising[1], high: rising[39] };
    expect(bootstrapMean(values, { seed: 1, resamples: 41 })).toEqual(expected);
  });

  it('refuses no values', () => {
    expect(() => bootstrapMean(Float64Array.of(NaN), { seed: 1 })).toThrow(
      'eval: values must be at least one, got none',
    );
  });
});

describe('countRanks', () => {
  it('counts ranks past k, 0 and Infinity as not found', () => {
    expect([...countRanks([1, 3, 3, 4, 0, Infinity], 3)]).toEqual([3, 1, 0, 2]);
  });
});

describe('coverageInterval', () => {
  it('is the jackknife over users', () => {
    // Items 0, 1, 2 of 10 are covered; leaving user 0 out loses item 0, user 1 item 2, user 2 nothing.
    const lists = Int32Array.of(0, 1, 1, 2, 1, -1);
    const left = [0.2, 0.2, 0.3];
    const mean = left.reduce((a, b) => a + b) / 3;
    const error = Math.sqrt((2 / 3) * left.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    const interval = coverageInterval(lists, 2, 2, 10);
    expect(interval.mean).toBeCloseTo(0.3, 12);
    expect(interval.low).toBeCloseTo(0.3 - 1.96 * error, 12);
    expect(interval.high).toBeCloseTo(0.3 + 1.96 * error, 12);
  });
});
