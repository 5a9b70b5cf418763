import { beforeAll, describe, expect, it } from 'vitest';
import { invertPositiveDefinite, selectBackend, tf } from '../index.js';

/** A Gram matrix with something on its diagonal. */
function gram(n: number, l2: number): tf.Tensor2D {
  return tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R2>([2 * n, n], 0, 1, 'float32', 5);
    return tf.add(tf.matMul(x, x, true), tf.mul(tf.eye(n), l2));
  });
}

describe('invertPositiveDefinite', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('inverts by hand', async () => {
    const inverse = await invertPositiveDefinite(tf.tensor2d([4, 2, 2, 3], [2, 2]));
    expect(await inverse.array()).toEqual([
      [0.375, -0.25],
      [-0.25, 0.5],
    ]);
  });

  it.each([1, 255, 256, 257, 700])('times the matrix is the identity: %i rows', async (n) => {
    const before = tf.memory().numTensors;
    const matrix = gram(n, 10);
    const inverse = await invertPositiveDefinite(matrix);
    const error = tf.tidy(() => tf.max(tf.abs(tf.sub(tf.matMul(matrix, inverse), tf.eye(n)))).dataSync()[0]);
    expect(error).toBeLessThan(1e-4);
    tf.dispose([matrix, inverse]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what has no such inverse', async () => {
    await expect(invertPositiveDefinite(tf.zeros([2, 3]))).rejects.toThrow('must be square, got 2 x 3');
    await expect(invertPositiveDefinite(tf.tensor2d([1, 2, 2, 1], [2, 2]))).rejects.toThrow('positive definite');
  });
});
