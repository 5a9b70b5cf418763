import { selectBackend } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { assignNearest, kmeans, residualKmeans } from './kmeans.js';

const key = createKey(1, 'init');

/** Twelve blobs of 20 points on a circle of radius 10. */
function blobs(): Float32Array {
  const generator = createGenerator(createKey(2, 'sample'));
  return Float32Array.from({ length: 12 * 20 * 2 }, (_, i) => {
    const angle = (2 * Math.PI * Math.floor(i / 40)) / 12;
    return 10 * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle)) + 0.1 * generator.normal();
  });
}

describe.each(backends)('kmeans on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it('finds the means of well separated blobs', async () => {
    const points = blobs();
    const { centroids, codes } = await kmeans(points, 2, { clusters: 12, iterations: 20, distance: 'l2', key });
    for (let blob = 0; blob < 12; blob++) {
      const members = codes.slice(blob * 20, (blob + 1) * 20);
      expect(new Set(members).size).toBe(1);
      const x = points.filter((_, i) => Math.floor(i / 40) === blob && i % 2 === 0);
      expect(centroids[members[0] * 2]).toBeCloseTo(x.reduce((a, b) => a + b, 0) / 20, 5);
    }
    expect(new Set(codes).size).toBe(12);
  });

  it('gives the same bits for the same key', async () => {
    const options = { clusters: 7, iterations: 5, distance: 'l2', key } as const;
    expect(await kmeans(blobs(), 2, options)).toEqual(await kmeans(blobs(), 2, options));
  });

  it('clusters directions with cosine, at the length that leaves the least', async () => {
    const points = Float32Array.of(1, 0, 3, 0, 0, 2, 0, 6);
    const { centroids, codes } = await kmeans(points, 2, { clusters: 2, iterations: 5, distance: 'cosine', key });
    expect(codes[0]).toBe(codes[1]);
    expect(codes[2]).toBe(codes[3]);
    const [x, y] = [
      centroids.subarray(codes[0] * 2, codes[0] * 2 + 2),
      centroids.subarray(codes[2] * 2, codes[2] * 2 + 2),
    ];
    expect(Array.from(x)).toEqual([2, 0]);
    expect(Array.from(y)).toEqual([0, 4]);
  });

  it('copes with fewer different points than clusters', async () => {
    const { centroids, codes } = await kmeans(Float32Array.of(1, 1, 1, 2), 1, {
      clusters: 4,
      iterations: 3,
      distance: 'l2',
      key,
    });
    expect(centroids.every(Number.isFinite)).toBe(true);
    expect(Array.from(codes, (code) => centroids[code])).toEqual([1, 1, 1, 2]);
  });

  it('assigns ties to the smaller code, across chunks', async () => {
    const points = new Float32Array(5000).fill(1);
    const { codes, distances } = await assignNearest(points, Float32Array.of(9, 2, 0), 1, 'l2');
    expect(codes.every((code) => code === 1)).toBe(true);
    expect(distances[4999]).toBe(1);
  });

  it('clusters level by level what earlier levels leave over', async () => {
    // Two coarse places, two offsets around each: two levels of two codes describe all points exactly.
    const points = Float32Array.of(9, 11, -11, -9, 9, -9);
    const { codebooks, codes } = await residualKmeans(points, 1, {
      levels: 2,
      codebookSize: 2,
      iterations: 10,
      distance: 'l2',
      key,
    });
    points.forEach((point, i) => {
      const restored = codebooks[0][codes[i * 2]] + codebooks[1][codes[i * 2 + 1]];
      expect(Math.abs(point - restored)).toBeLessThan(1);
    });
    expect(codes.slice(0, 2)).toEqual(codes.slice(8, 10));
  });
});
