import { describe, expect, it } from 'vitest';
import { asha, type Progress, rungs, type Scheduler, stopOnPlateau } from './scheduler.js';

/** Feeds reports in order, and says after which of them a trial was stopped. */
function replay(scheduler: Scheduler, reports: readonly (readonly [trial: number, resource: number, score: number])[]) {
  const before: Progress[] = [];
  return reports.map(([trial, resource, score]) => {
    const latest = { trial, resource, score };
    const decision = scheduler.decide(before, latest);
    before.push(latest);
    return decision;
  });
}

describe('asha', () => {
  const options = { grace: 20, factor: 3, max: 500 };

  it('has its rungs at 20, 60, 180 for grace 20 and factor 3', () => {
    expect(rungs(options)).toEqual([20, 60, 180]);
    expect(rungs({ ...options, max: 180 })).toEqual([20, 60, 180]);
  });

  it('stops a worse trial at 20, 60 and 180, and at no other resource', () => {
    const leader = [20, 60, 180].map((resource) => [0, resource, 1] as const);
    const loser = Array.from({ length: 200 }, (_, i) => [1, i + 1, 0] as const);
    const decisions = replay(asha(options), [...leader, ...loser]).slice(3);
    expect(decisions.flatMap((decision, i) => (decision === 'stop' ? [i + 1] : []))).toEqual([20, 60, 180]);
  });

  it('lets those on that reach the upper third: of 1, 2, 3, 4 the bound is 3', () => {
    const four = [1, 4, 2, 3].map((score, trial) => [trial, 20, score] as const);
    const at = (score: number) => replay(asha(options), [...four, [9, 20, score]]).at(-1);
    expect(at(2.99)).toBe('stop');
    expect(at(3)).toBe('continue');
  });

  it('lets the first to come go on, and compares nobody twice at a rung', () => {
    const decisions = replay(asha(options), [
      [0, 20, 0.1],
      [1, 20, 0.2],
      [0, 21, 0.1],
      [1, 59, 0],
    ]);
    expect(decisions).toEqual(['continue', 'continue', 'continue', 'continue']);
  });

  it('compares at the rung below when reports jump over it', () => {
    expect(
      replay(asha(options), [
        [0, 25, 1],
        [1, 33, 0],
      ]),
    ).toEqual(['continue', 'stop']);
  });

  it('ends every trial at max', () => {
    expect(
      replay(asha({ ...options, max: 100 }), [
        [0, 99, 1],
        [0, 100, 2],
      ]),
    ).toEqual(['continue', 'complete']);
  });

  it('refuses options that make no sense', () => {
    expect(() => asha({ grace: 0, factor: 3, max: 9 })).toThrow('0 < grace <= max, got grace 0 and max 9');
    expect(() => asha({ grace: 1, factor: 1, max: 9 })).toThrow('factor must be above 1, got 1');
  });
});

describe('stopOnPlateau', () => {
  const trial = (scores: number[]) => scores.map((score, i) => [0, i + 1, score] as const);

  it('stops after patience reports without a new best', () => {
    expect(replay(stopOnPlateau({ patience: 2 }), trial([1, 2, 2, 1, 3]))).toEqual([
      ...['continue', 'continue', 'continue', 'stop'],
      'continue', // had it gone on
    ]);
  });

  it('asks for more than minDelta, and waits for the grace', () => {
    const decisions = replay(stopOnPlateau({ patience: 2, minDelta: 0.5, grace: 4 }), trial([1, 1.2, 1.4, 1.5, 1.6]));
    expect(decisions).toEqual(['continue', 'continue', 'continue', 'stop', 'continue']);
  });

  it('looks at no other trial', () => {
    expect(
      replay(stopOnPlateau({ patience: 1 }), [
        [0, 1, 5],
        [1, 1, 1],
        [1, 2, 2],
      ]),
    ).not.toContain('stop');
  });
});
