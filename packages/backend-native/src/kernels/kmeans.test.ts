import { clusterMeans, kmeansPlusPlus, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

/** Points around 20 centres, some of them twice, with one component far larger than the rest. */
function points(rows: number, width: number): Float32Array {
  const generator = createGenerator(createKey(1, 'sample'));
  const centres = Float32Array.from({ length: 20 * width }, () => 3 * generator.normal());
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const centre = generator.integer(20);
    if (row % 11 === 10) values.copyWithin(row * width, (row - 1) * width, row * width);
    else for (let i = 0; i < width; i++) values[row * width + i] = centres[centre * width + i] + generator.normal();
    if (row % 50 === 7) values[row * width] = 1000;
  }
  return values;
}

const shapes = [
  { rows: 1, width: 1, clusters: 1 },
  { rows: 5, width: 3, clusters: 9 },
  { rows: 300, width: 2, clusters: 40 },
  { rows: 777, width: 33, clusters: 256 },
  { rows: 300, width: 768, clusters: 32 },
];

const draws = async (values: Float32Array, width: number, clusters: number) => {
  const x = tf.tensor2d(values, [values.length / width, width]);
  const rows = await kmeansPlusPlus(x, clusters, createKey(4, 'init'));
  return Array.from(await rows.data());
};

const means = async (values: Float32Array, width: number, clusters: number) => {
  const rows = values.length / width;
  // The last cluster stays empty.
  const codes = Int32Array.from({ length: rows }, (_, row) => (row * 7) % Math.max(1, clusters - 1));
  const x = tf.tensor2d(values, [rows, width]);
  const centroids = tf.fill([clusters, width], 5) as tf.Tensor2D;
  return Array.from(await (await clusterMeans(x, tf.tensor1d(codes, 'int32'), centroids)).data());
};

describe('k-means on native', () => {
  beforeEach(async () => {
    await selectBackend('native');
  });

  it.each(shapes)('draws the seeds that every backend draws: %o', async ({ rows, width, clusters }) => {
    const values = points(rows, width);
    const found = await draws(values, width, clusters);
    await selectBackend('cpu');
    expect(found).toEqual(await draws(values, width, clusters));
  });

  it.each(shapes)('gives the means that every backend gives, to the bit: %o', async ({ rows, width, clusters }) => {
    const values = points(rows, width);
    const found = await means(values, width, clusters);
    await selectBackend('cpu');
    expect(found).toEqual(await means(values, width, clusters));
  });

  it('ignores codes out of range', async () => {
    const x = tf.tensor2d([1, 2, 30], [3, 1]);
    const found = await clusterMeans(x, tf.tensor1d([0, 0, 7], 'int32'), tf.tensor2d([0, 5], [2, 1]));
    expect(Array.from(await found.data())).toEqual([1.5, 5]);
  });

  it('gives the same bits with one thread and with two', async () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const values = points(777, 33);
    backend.setThreads(1);
    const one = [await draws(values, 33, 100), await means(values, 33, 100)];
    backend.setThreads(2);
    expect([await draws(values, 33, 100), await means(values, 33, 100)]).toEqual(one);
  });
});
