import { describe, expect, it } from 'vitest';
import { clusterMeans, selectBackend, tf } from '../index.js';

describe.each(['cpu', 'wasm'] as const)('clusterMeans on %s', (backend) => {
  it('averages the points of each cluster and leaves empty ones where they are', async () => {
    await selectBackend(backend);
    const points = tf.tensor2d([1, 2, 3, 4, 10, 20], [3, 2]);
    const centroids = tf.tensor2d([0, 0, 7, 8, 0, 0], [3, 2]);
    const means = await clusterMeans(points, tf.tensor1d([0, 0, 2], 'int32'), centroids);
    expect(means.arraySync()).toEqual([
      [2, 3],
      [7, 8],
      [10, 20],
    ]);
  });

  it('refuses codes or centroids of other points', async () => {
    await selectBackend(backend);
    const points = tf.zeros([3, 2]) as tf.Tensor2D;
    await expect(clusterMeans(points, tf.tensor1d([0], 'int32'), tf.zeros([1, 2]))).rejects.toThrow(
      'backend: codes and centroids must be [3] and [K, 2] for points [3,2], got [1] and [1,2]',
    );
  });
});
