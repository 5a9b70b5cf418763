import { describe, expect, it } from 'vitest';
import { constant, cosine, inverseSqrt, linear } from './schedules.js';

describe('schedules', () => {
  it('constant is 1 without a warm-up and rises to 1 with one', () => {
    expect([1, 2, 1000].map(constant())).toEqual([1, 1, 1]);
    expect([1, 2, 3, 4, 5, 100].map(constant({ warmupSteps: 4 }))).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });

  it('linear falls from 1 at the end of the warm-up to 0 at the last update', () => {
    expect([1, 2, 4, 6, 7].map(linear({ warmupSteps: 2, totalSteps: 6 }))).toEqual([0.5, 1, 0.5, 0, 0]);
  });

  it('cosine passes the middle between 1 and its floor half way', () => {
    const schedule = cosine({ warmupSteps: 2, totalSteps: 10, floor: 0.2 });
    const expected = [0.5, 1, 0.6, 0.2, 0.2];
    [1, 2, 6, 10, 11].forEach((step, i) => {
      expect(schedule(step)).toBeCloseTo(expected[i], 12);
    });
  });

  it('inverseSqrt halves when the step is four times the warm-up', () => {
    expect([2, 4, 16, 64].map(inverseSqrt({ warmupSteps: 4 }))).toEqual([0.5, 1, 0.5, 0.25]);
  });

  it('inverseSqrt holds 1 as in T5 when it has no warm-up', () => {
    expect([1, 10_000, 40_000].map(inverseSqrt({ holdSteps: 10_000 }))).toEqual([1, 1, 0.5]);
  });

  it('refuses a warm-up that is as long as the run', () => {
    expect(() => cosine({ warmupSteps: 10, totalSteps: 10 })).toThrow(
      "trainers: schedule warmupSteps must be less than the run's 10 steps, got 10; shorten the warm-up",
    );
  });
});
