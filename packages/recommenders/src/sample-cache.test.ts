import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { createSampleCache, cumulativePopularity } from './sample-cache.js';

describe('the sample cache', () => {
  it('draws by powers of the counts', () => {
    const cumulative = cumulativePopularity(Int32Array.of(8, 4, 2, 1), 0.5);
    for (const [i, p] of [0.390524, 0.666667, 0.861929, 1].entries()) expect(cumulative[i]).toBeCloseTo(p, 6);
    const next = createSampleCache(cumulative, { size: 100_000, steps: 1, key: createKey(1, 'sample') });
    const share = next().filter((item) => item === 0).length / 100_000;
    expect(Math.abs(share - 0.390524)).toBeLessThan(0.006); // four standard deviations
  });

  it('draws uniformly with alpha 0, but never what was not met', () => {
    expect([...cumulativePopularity(Int32Array.of(0, 5, 0, 1), 0)]).toEqual([0, 0.5, 0.5, 1]);
    const next = createSampleCache(Float64Array.of(0, 0.5, 0.5, 1), {
      size: 50,
      steps: 2,
      key: createKey(1, 'sample'),
    });
    expect(new Set(next())).toEqual(new Set([1, 3]));
  });

  it('repeats itself for a key, and not from step to step or from one fill to the next', () => {
    const cumulative = cumulativePopularity(new Int32Array(1000).fill(1), 1);
    const draw = () => {
      const next = createSampleCache(cumulative, { size: 5, steps: 2, key: createKey(1, 'sample') });
      return Array.from({ length: 6 }, () => [...next()].join());
    };
    expect(draw()).toEqual(draw());
    expect(new Set(draw()).size).toBe(6);
  });
});
