import { createKey, foldIn } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { gridPoint, gridSize, nestOptions, parseSearchSpace, type SearchSpace, sampleSpace } from './search-space.js';

const draws = (domain: unknown, count = 2000) => {
  const space = parseSearchSpace({ x: domain });
  return Array.from({ length: count }, (_, n) => sampleSpace(space, foldIn(createKey(1, 'sample'), n)).x as number);
};
const shareBelow = (values: number[], bound: number) => values.filter((value) => value < bound).length / values.length;

describe('parseSearchSpace', () => {
  it('flattens nested options, takes bare lists as grids and scalars as fixed', () => {
    const space = parseSearchSpace({
      training: { learningRate: ['uniform', 1e-4, 1e-2], batchSize: [64, 128] },
      l2: 5,
    });
    expect(space).toEqual({
      'training.learningRate': { kind: 'number', min: 1e-4, max: 1e-2, log: false, low: 1e-4, high: 1e-2 },
      'training.batchSize': { kind: 'choice', values: [64, 128] },
      l2: { kind: 'fixed', value: 5 },
    });
  });

  it('takes lists as values of a list', () => {
    expect(parseSearchSpace({ dims: [[512, 256]] }).dims).toEqual({ kind: 'choice', values: [[512, 256]] });
  });

  it.each([
    [['uniform', 1], 'have 2 numbers after uniform'],
    [['uniform', 2, 1], 'have a value between min and max'],
    [['uniform', 'popularity'], 'or [grid, uniform, ...] if uniform is a value'],
    [['loguniform', 0, 1], 'have a positive min'],
    [['loguniform', 1, 2, 1], 'have a base above 1'],
    [['quniform', 0, 1, 0], 'have a positive step'],
    [['randint', 0.5, 3], 'have whole numbers'],
    [['randint', 3, 3], 'have a value between min and max'],
    [['randn', 0, -1], 'have a positive deviation'],
    [[], 'list at least one value'],
    [[5, 10, 5], 'list each value once, got 5 twice'],
    [undefined, 'must hold numbers'],
  ])('refuses %j and names the key', (domain, message) => {
    expect(() => parseSearchSpace({ training: { rate: domain } })).toThrow(
      'trainers: search space key training.rate must',
    );
    expect(() => parseSearchSpace({ training: { rate: domain } })).toThrow(message);
  });
});

describe('sampleSpace', () => {
  it('draws the same point for the same key, and others for other keys', () => {
    const space = parseSearchSpace({ a: ['uniform', 0, 1], b: ['loguniform', 1e-4, 1], c: [1, 2, 3] });
    const key = createKey(7, 'sample');
    expect(sampleSpace(space, key)).toEqual(sampleSpace(space, key));
    expect(sampleSpace(space, foldIn(key, 1))).not.toEqual(sampleSpace(space, key));
  });

  it('spreads loguniform evenly over the orders of magnitude', () => {
    const values = draws(['loguniform', 1e-4, 1]);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(1e-4);
    expect(shareBelow(values, 1e-2)).toBeCloseTo(0.5, 1);
  });

  it('gives each multiple of a step its share, the ends too', () => {
    const values = draws(['quniform', 0.1, 0.3, 0.1], 3000);
    expect([...new Set(values)].sort()).toEqual([0.1, 0.2, 0.3]);
    expect(shareBelow(values, 0.15)).toBeCloseTo(1 / 3, 1);
  });

  it('leaves the max out of randint, and in qrandint', () => {
    expect([...new Set(draws(['randint', 1, 4]))].sort()).toEqual([1, 2, 3]);
    expect([...new Set(draws(['lograndint', 1, 4]))].sort()).toEqual([1, 2, 3]);
    expect([...new Set(draws(['qrandint', 2, 6, 2]))].sort()).toEqual([2, 4, 6]);
    expect([...new Set(draws(['qlograndint', 2, 6, 2, 10]))].sort()).toEqual([2, 4, 6]);
  });

  it('draws normals around their mean, on the step where there is one', () => {
    const values = draws(['randn', 5, 2]);
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(5, 0);
    expect(draws(['qrandn', 5, 2, 0.5]).every((value) => Number.isInteger(value * 2))).toBe(true);
  });
});

const pointsOf = (space: SearchSpace) => Array.from({ length: gridSize(space) }, (_, i) => gridPoint(space, i)!);

describe('gridPoint', () => {
  it('has 162 points for 3 x 3 x 2 x 3 x 3', () => {
    const grid = pointsOf(
      parseSearchSpace({
        a: [1, 2, 3],
        b: ['x', 'y', 'z'],
        c: [true, false],
        d: ['choice', 1, 2, 3],
        e: ['grid', 1, 2, 3],
      }),
    );
    expect(grid).toHaveLength(162);
    expect(new Set(grid.map((point) => JSON.stringify(point))).size).toBe(162);
    expect(grid[1]).toEqual({ a: 1, b: 'x', c: true, d: 1, e: 2 });
    expect(grid[161]).toEqual({ a: 3, b: 'z', c: false, d: 3, e: 3 });
  });

  it('is found without the others, however many there are', () => {
    const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const space = parseSearchSpace(Object.fromEntries(Array.from('abcdefghi', (key) => [key, ten])));
    expect(gridSize(space)).toBe(1e9);
    expect(Object.values(gridPoint(space, 123_456_789)!).join('')).toBe('123456789');
    expect(gridPoint(space, 1e9)).toBeUndefined();
  });

  it('walks through the multiples of a step', () => {
    const grid = pointsOf(parseSearchSpace({ a: ['quniform', 0, 0.3, 0.1], b: 1 }));
    expect(grid.map(({ a }) => a)).toEqual([0, 0.1, 0.2, 0.3]);
  });

  it('refuses a range', () => {
    expect(() => gridSize(parseSearchSpace({ a: { b: ['uniform', 0, 1] } }))).toThrow('search space key a.b must');
  });
});

it('nestOptions gives options as models take them', () => {
  expect(nestOptions({ l2: 1, 'training.batchSize': 64, 'training.schedule.name': 'cosine' })).toEqual({
    l2: 1,
    training: { batchSize: 64, schedule: { name: 'cosine' } },
  });
});
