import { meanSquaredDistance, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const normals = (seed: number, size: number) => {
  const generator = createGenerator(createKey(seed, 'sample'));
  return Float32Array.from({ length: size }, () => generator.normal());
};

/** The mean, and the gradients of three times it. */
function run(rows: number, width: number) {
  return tf.tidy(() => {
    const [x, y] = [1, 2].map((seed) => tf.tensor2d(normals(seed, rows * width), [rows, width]));
    const f = (a: tf.Tensor, b: tf.Tensor) => meanSquaredDistance(a as tf.Tensor2D, b as tf.Tensor2D);
    const [dx, dy] = tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.mul(f(a, b), 3))([x, y]);
    return [f(x, y), dx, dy].map((tensor) => Array.from(tensor.dataSync()));
  });
}

describe('meanSquaredDistance on native', () => {
  beforeEach(async () => {
    await selectBackend('native');
  });

  it.each([
    [1, 1],
    [3, 5],
    [7, 0],
    [130, 33],
    [1000, 70],
  ])('and its gradients are those of float64: %i x %i', (rows, width) => {
    const [x, y] = [normals(1, rows * width), normals(2, rows * width)];
    const [[mean], dx, dy] = run(rows, width);
    const expected = x.reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0) / rows;
    expect(Math.abs(mean - expected)).toBeLessThanOrEqual(1e-5 * expected);
    expect([dx.length, dy.length]).toEqual([x.length, x.length]);
    const wrong = x.findIndex((value, i) => {
      const gradient = (6 * (value - y[i])) / rows;
      const slack = 1e-6 * (1 + Math.abs(gradient));
      return !(Math.abs(dx[i] - gradient) <= slack && Math.abs(dy[i] + gradient) <= slack);
    });
    expect(wrong).toBe(-1);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    backend.setThreads(1);
    const one = run(900, 77);
    backend.setThreads(2);
    expect(run(900, 77)).toEqual(one);
  });
});
