import { type AdamwTensors, adamwUpdate, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const rates = { rate: 0.01, offset: 1e-6, kept: 0.9, fresh1: 0.1, fresh2: 0.001 };
// Smaller and larger than a chunk.
const shapes = [[], [1], [0, 3], [7], [5, 17], [130, 257]];

const draw = (seed: number, shape: readonly number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return Float32Array.from({ length: size }, createGenerator(createKey(seed, 'sample')).normal);
};
const valuesOf = (shape: readonly number[]) => {
  const [param, gradient, first, second] = [1, 2, 3, 4].map((seed) => draw(seed, shape));
  return { param, gradient, first, second: second.map((x) => x ** 2) };
};
const isDecayed = (i: number) => i % 2 === 0;

/** What gradients are multiplied with. */
const scale = 0.7;

function run(): Float32Array[] {
  return tf.tidy(() => {
    const all: AdamwTensors[] = shapes.map((shape, i) => {
      const { param, gradient, first, second } = valuesOf(shape);
      const of = (values: Float32Array) => tf.tensor(values, shape);
      return { param: of(param), gradient: of(gradient), first: of(first), second: of(second), decayed: isDecayed(i) };
    });
    return adamwUpdate(all, rates, tf.scalar(scale)).flatMap((tensors) =>
      [tensors.param, tensors.first, tensors.second].map((tensor) => tensor.dataSync() as Float32Array),
    );
  });
}

/** The same by the formulas, in float64. */
function define(): number[][] {
  return shapes.flatMap((shape, i) => {
    const { param, gradient, first, second } = valuesOf(shape);
    const g = Array.from(gradient, (value) => value * Math.fround(scale));
    const m = Array.from(first, (value, j) => value + rates.fresh1 * (g[j] - value));
    const v = Array.from(second, (value, j) => value + rates.fresh2 * (g[j] ** 2 - value));
    const p = Array.from(
      param,
      (value, j) => value * (isDecayed(i) ? rates.kept : 1) - (rates.rate * m[j]) / (Math.sqrt(v[j]) + rates.offset),
    );
    return [p, m, v];
  });
}

function expectClose(found: ArrayLike<number>[], expected: ArrayLike<number>[]): void {
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  for (const [i, values] of expected.entries()) {
    let worst = 0;
    for (let j = 0; j < values.length; j++) {
      worst = Math.max(worst, Math.abs(found[i][j] - values[j]) / (1 + Math.abs(values[j])));
    }
    expect(worst).toBeLessThan(2e-6);
  }
}

describe('native AdamW', () => {
  beforeAll(async () => {
    await selectBackend('native');
  });

  it('equals the formulas in float64', () => {
    expectClose(run(), define());
  });

  it('equals the ops of TensorFlow.js', async () => {
    const found = run();
    await selectBackend('wasm');
    const expected = run();
    await selectBackend('native');
    expectClose(found, expected);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const runOn = (threads: number) => {
      backend.setThreads(threads);
      return run().map(({ buffer }) => Buffer.from(buffer).toString('hex'));
    };
    expect(runOn(1)).toEqual(runOn(2));
  });

  it('makes no tensors but those it returns', () => {
    const x = tf.ones([3]);
    const before = tf.memory().numTensors;
    const updated = adamwUpdate([{ param: x, gradient: x, first: x, second: x, decayed: true }], rates);
    expect(tf.memory().numTensors - before).toBe(3);
    expect(Array.from(x.dataSync())).toEqual([1, 1, 1]);
    tf.dispose(updated);
  });

  it('refuses moments of another shape', () => {
    const [x, y] = [tf.ones([2]), tf.ones([3])];
    expect(() => adamwUpdate([{ param: x, gradient: x, first: y, second: x, decayed: true }], rates)).toThrow(
      "backend: gradient and moments must have their parameter's shape, [2], got [3]",
    );
  });
});
