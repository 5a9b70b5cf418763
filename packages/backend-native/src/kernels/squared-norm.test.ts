import { selectBackend, squaredNorm, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const draw = (size: number) => Float32Array.from({ length: size }, createGenerator(createKey(size, 'sample')).normal);

describe('the native squared norm', () => {
  beforeAll(async () => {
    await selectBackend('native');
  });

  it.each([0, 1, 5, 16, 33, 1000, 16_384, 16_385, 300_001])('equals the sum in float64, %i elements', (size) => {
    const values = draw(size);
    const expected = values.reduce((sum, value) => sum + value * value, 0);
    const found = squaredNorm(tf.tensor1d(values)).dataSync()[0];
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(3e-7 * expected);
  });

  it('has the gradient 2 x', () => {
    const x = tf.tensor2d([1, -2, 3, 4], [2, 2]);
    const gradient = tf.grad((t: tf.Tensor) => tf.mul(squaredNorm(t), 0.5))(x);
    expect(Array.from(gradient.dataSync())).toEqual([1, -2, 3, 4]);
  });

  it('gives the same bits with one thread and with two, and those of NaN and infinity', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const values = draw(200_003);
    const runOn = (threads: number) => {
      backend.setThreads(threads);
      return squaredNorm(tf.tensor1d(values)).dataSync()[0];
    };
    expect(runOn(1)).toBe(runOn(2));
    values[100_000] = Number.NEGATIVE_INFINITY;
    expect(runOn(2)).toBe(Number.POSITIVE_INFINITY);
    values[3] = Number.NaN;
    expect(runOn(2)).toBe(Number.NaN);
  });
});
