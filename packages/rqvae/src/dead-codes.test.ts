import { selectBackend } from '@codebeam/backend';
import { createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { resetDeadCodes } from './dead-codes.js';
import { assignNearest } from './kmeans.js';

const options = { dim: 1, distance: 'l2', key: createKey(1, 'init') } as const;

describe('resetDeadCodes', () => {
  beforeAll(async () => {
    await selectBackend('cpu');
  });

  it('moves unused codes to latents that were far from theirs, level by level', async () => {
    const latents = Float32Array.of(0, 0, 10, 10);
    const before = [Float32Array.of(0, 50, 60), Float32Array.of(0, 70)];
    const { codebooks, resets } = await resetDeadCodes(latents, before, options);
    // One of the two dead codes goes to 10; the other too, as nothing else is far from its code.
    expect(Array.from(codebooks[0])).toEqual([0, 10, 10]);
    expect(resets[0]).toEqual([1, 2]);
    // All residuals of level 2 are then 0, which code 0 has: a copy of it would help nobody.
    expect(Array.from(codebooks[1])).toEqual([0, 70]);
    expect(resets[1]).toEqual([]);
    expect(Array.from(before[0])).toEqual([0, 50, 60]);
  });

  it('leaves codebooks whose codes are all used as they are', async () => {
    const { codebooks, resets } = await resetDeadCodes(Float32Array.of(1, 2), [Float32Array.of(1, 2)], options);
    expect(Array.from(codebooks[0])).toEqual([1, 2]);
    expect(resets).toEqual([[]]);
  });

  it('brings a collapsed codebook back to full use', async () => {
    const latents = Float32Array.from({ length: 64 }, (_, i) => i);
    const { codebooks } = await resetDeadCodes(latents, [new Float32Array(16).fill(1000)], options);
    const { codes } = await assignNearest(latents, codebooks[0], 1, 'l2');
    expect(new Set(codes).size).toBeGreaterThanOrEqual(15);
  });
});
