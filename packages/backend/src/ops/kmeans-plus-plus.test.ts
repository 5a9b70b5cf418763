import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { drawProportionally } from './kmeans-plus-plus.js';

describe('drawProportionally', () => {
  it('draws in proportion to weights and never a weight of 0', () => {
    const generator = createGenerator(createKey(1, 'init'));
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) counts[drawProportionally(Float64Array.of(1, 0, 3, 0), generator)]++;
    expect(counts[1] + counts[3]).toBe(0);
    expect(Math.abs(counts[0] / 4000 - 0.25)).toBeLessThan(0.03);
  });
});
