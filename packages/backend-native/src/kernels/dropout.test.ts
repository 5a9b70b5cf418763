import { dropout, dropoutMask, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey, type Key } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../index.js';

const backend = () => tf.backend() as unknown as NativeBackend;
const draw = (seed: number, size: number) =>
  Float32Array.from({ length: size }, createGenerator(createKey(seed, 'sample')).normal);

beforeAll(async () => {
  await selectBackend('native');
});

describe('native dropout', () => {
  it.each([0, 1, 7, 8, 9, 31, 64, 1000, 1024, 1025, 16_384, 50_001])(
    'has the mask of the formula, %i elements',
    (size) => {
      for (const [rate, key] of [
        [0.1, createKey(size, 'dropout')],
        [0.5, [0xffffffff, 0xfffffffe] as Key],
        [1e-7, createKey(1, 'dropout')],
        [1 - 1e-7, createKey(1, 'dropout')],
      ] as const) {
        const ones = tf.ones([size]);
        expect(dropout(ones, rate, key).dataSync()).toEqual(dropoutMask(size, rate, key));
      }
    },
  );

  it('multiplies x by it, forward and backward', () => {
    const [rate, key] = [0.3, createKey(9, 'dropout')];
    for (const shape of [
      [3, 5, 7],
      [2, 16_411],
      [0, 4],
    ]) {
      const size = shape.reduce((product, n) => product * n, 1);
      const [x, weights] = [1, 2].map((seed) => draw(seed, size));
      const mask = dropoutMask(size, rate, key);
      const [tensor, factors] = [x, weights].map((values) => tf.tensor(values, shape));
      expect(dropout(tensor, rate, key).dataSync()).toEqual(x.map((value, i) => value * mask[i]));
      const gradient = tf.grad((t: tf.Tensor) => tf.sum(tf.mul(dropout(t, rate, key), factors)))(tensor);
      expect(gradient.dataSync()).toEqual(weights.map((value, i) => value * mask[i]));
    }
  });

  it('keeps what is not finite, as a product does', () => {
    const x = tf.fill([64], Number.POSITIVE_INFINITY);
    const found = dropout(x, 0.5, createKey(2, 'dropout')).dataSync();
    const mask = dropoutMask(64, 0.5, createKey(2, 'dropout'));
    expect(found).toEqual(mask.map((factor) => (factor === 0 ? Number.NaN : Number.POSITIVE_INFINITY)));
  });

  it('does not depend on the number of threads', () => {
    const x = tf.tensor1d(draw(1, 100_003));
    const run = (threads: number) => {
      backend().setThreads(threads);
      const { buffer } = dropout(x, 0.2, createKey(5, 'dropout')).dataSync();
      return Buffer.from(buffer).toString('hex');
    };
    expect(run(1)).toEqual(run(2));
  });

  it('leaves no tensors behind and drops nothing at a rate of 0', () => {
    const x = tf.ones([4, 8]);
    const before = tf.memory().numTensors;
    tf.grad((t: tf.Tensor) => tf.sum(dropout(t, 0.5, createKey(1, 'dropout'))))(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(dropout(x, 0, createKey(1, 'dropout'))).toBe(x);
  });

  it('refuses what is not float32', () => {
    expect(() => dropout(tf.ones([2], 'bool'), 0.5, createKey(1, 'dropout'))).toThrow(
      'backend-native: x must be float32, got bool',
    );
  });
});
