import { describe, expect, it } from 'vitest';
import { codeDistances, nearestCodes, selectBackend, tf } from '../index.js';

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  it('measures squared Euclidean distances', async () => {
    await selectBackend(backend);
    const x = tf.tensor2d([0, 0, 3, 4], [2, 2]);
    const codebook = tf.tensor2d([0, 0, 3, 0, 3, 4], [3, 2]);
    expect(Array.from(await codeDistances(x, codebook, 'l2').data())).toEqual([0, 9, 25, 25, 16, 0]);
  });

  it('measures 1 - cosine, and 1 for a vector of length 0', async () => {
    await selectBackend(backend);
    const x = tf.tensor2d([2, 0, 0, 0], [2, 2]);
    const codebook = tf.tensor2d([5, 0, 0, 1, -1, 0], [3, 2]);
    const distances = await codeDistances(x, codebook, 'cosine').data();
    [0, 1, 2, 1, 1, 1].forEach((expected, i) => {
      expect(distances[i]).toBeCloseTo(expected, 6);
    });
  });

  it('chooses by distance or by direction, ties to the smaller code', async () => {
    await selectBackend(backend);
    const x = tf.tensor2d([1, 0, 0, 2], [2, 2]);
    const codebook = tf.tensor2d([9, 0, 2, 0, 0, 0, 0, 4, 0, 4], [5, 2]);
    expect(Array.from(await nearestCodes(x, codebook, 'l2').codes.data())).toEqual([1, 2]);
    expect(Array.from(await nearestCodes(x, codebook, 'cosine').codes.data())).toEqual([0, 3]);
  });

  it('refuses a codebook of another width', async () => {
    await selectBackend(backend);
    expect(() => codeDistances(tf.zeros([2, 3]), tf.zeros([4, 2]), 'l2')).toThrow(
      "backend: codebook width must be the vectors' 3, got 2",
    );
  });
});
