import { describe, expect, it } from 'vitest';
import { gridSampler, type Observation, randomSampler, type Sampler } from './sampler.js';
import { type Hyperparameters, type NumberDomain, parseSearchSpace, type SearchSpace } from './search-space.js';
import { parzen, tpeSampler } from './tpe-sampler.js';

function search(
  sampler: Sampler,
  space: SearchSpace,
  f: (values: Hyperparameters) => number,
  seed: number,
  trials = 60,
) {
  const history: Observation[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const values = sampler.propose(space, { seed, trial, history })!;
    history.push({ values, loss: f(values) });
  }
  return history;
}
const lowest = (history: readonly Observation[]) => Math.min(...history.map(({ loss }) => loss));
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

const space = parseSearchSpace({
  rate: ['loguniform', 1e-5, 1],
  width: ['qrandint', 16, 256, 16],
  dropout: ['uniform', 0, 1],
  kind: ['a', 'b', 'c'],
  fixed: 3,
});
/** Least, 0, at rate 1e-3, width 64, dropout 0.2, kind b. */
const bowl = ({ rate, width, dropout, kind }: Hyperparameters) =>
  (Math.log10(rate as number) + 3) ** 2 +
  (((width as number) - 64) / 100) ** 2 +
  4 * ((dropout as number) - 0.2) ** 2 +
  (kind === 'b' ? 0 : 1);

describe('gridSampler', () => {
  it('proposes each point once and then nothing', () => {
    const sampler = gridSampler();
    const grid = parseSearchSpace({ a: [1, 2], b: ['x', 'y'] });
    const proposed = [0, 1, 2, 3, 4].map((trial) => sampler.propose(grid, { seed: 1, trial, history: [] }));
    expect(proposed.map((point) => point && `${point.a}${point.b}`)).toEqual(['1x', '1y', '2x', '2y', undefined]);
  });
});

describe.each([randomSampler(), tpeSampler()])('$name', (sampler) => {
  it('proposes the same for the same seed, and other values for another', () => {
    expect(search(sampler, space, bowl, 3)).toEqual(search(sampler, space, bowl, 3));
    expect(search(sampler, space, bowl, 4)).not.toEqual(search(sampler, space, bowl, 3));
  });

  it('tries no point twice, and ends where all were tried', () => {
    const finite = parseSearchSpace({ a: [1, 2, 3], b: ['qrandint', 2, 8, 2], c: 5 });
    const history: Observation[] = [];
    for (let trial = 0; trial < 12; trial++) {
      const values = sampler.propose(finite, { seed: 7, trial, history })!;
      history.push({ values, loss: Math.abs((values.b as number) - 4) });
    }
    expect(new Set(history.map(({ values }) => JSON.stringify(values))).size).toBe(12);
    expect(sampler.propose(finite, { seed: 7, trial: 12, history })).toBeUndefined();
  });

  it('stays within the space', () => {
    for (const { values } of search(sampler, space, bowl, 5)) {
      expect(values.rate).toBeGreaterThanOrEqual(1e-5);
      expect(values.rate).toBeLessThanOrEqual(1);
      expect((values.width as number) % 16).toBe(0);
      expect(values.width).toBeGreaterThanOrEqual(16);
      expect(values.width).toBeLessThanOrEqual(256);
      expect(['a', 'b', 'c']).toContain(values.kind);
      expect(values.fixed).toBe(3);
    }
  });
});

describe('tpeSampler', () => {
  it('finds lower values than random search: median over 15 seeds', () => {
    const seeds = Array.from({ length: 15 }, (_, seed) => seed);
    const medianOf = (sampler: Sampler) => median(seeds.map((seed) => lowest(search(sampler, space, bowl, seed))));
    expect(medianOf(tpeSampler())).toBeLessThan(medianOf(randomSampler()) / 2);
  });

  it('survives failed trials and unbounded options', () => {
    const wide = parseSearchSpace({ x: ['randn', 0, 1], y: ['qrandn', 0, 1, 0.5] });
    const history = search(tpeSampler(), wide, ({ x }) => ((x as number) > 0 ? Infinity : (x as number) ** 2), 1);
    expect(history.every(({ values }) => Number.isFinite(values.x) && Number.isFinite(values.y))).toBe(true);
    const late = history.slice(30).filter(({ loss }) => loss === Infinity);
    expect(late.length).toBeLessThan(15);
  });
});

describe('parzen', () => {
  it('is a density: its integral over the range is 1, and so is the sum over steps', () => {
    const { x, q } = parseSearchSpace({ x: ['uniform', 0, 2], q: ['qlograndint', 1, 8, 1] }) as Record<
      string,
      NumberDomain
    >;
    const smooth = parzen(x, [0.1, 0.5, 1.9]);
    let integral = 0;
    for (let i = 0; i < 2000; i++) integral += Math.exp(smooth.logDensity((i + 0.5) / 1000)) / 1000;
    expect(integral).toBeCloseTo(1, 5);
    const stepped = parzen(q, [1, 8, 8]);
    let sum = 0;
    for (let value = 1; value <= 8; value++) sum += Math.exp(stepped.logDensity(value));
    expect(sum).toBeCloseTo(1, 5);
  });
});
