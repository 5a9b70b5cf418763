import { layerNorm, rmsNorm, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const epsilon = 1e-5;
// The last has more rows than a chunk.
const shapes = [[1], [1, 1], [0, 4], [3, 0], [3, 5], [2, 7, 16], [33, 100], [5, 17], [301, 128]];

const draw = (seed: number, shape: readonly number[], offset = 0) => {
  const size = shape.reduce((product, n) => product * n, 1);
  const generator = createGenerator(createKey(seed, 'sample'));
  return Float32Array.from({ length: size }, () => generator.normal() + offset);
};

interface Case {
  shape: number[];
  centred: boolean;
}

const inputsOf = ({ shape }: Case) => {
  const width = shape.slice(-1);
  return { x: draw(1, shape, 3), weight: draw(2, width), bias: draw(3, width), dy: draw(4, shape) };
};

/** y, dx, dweight and, for a layer norm, dbias. */
function run(test: Case): Float32Array[] {
  const { x, weight, bias, dy } = inputsOf(test);
  return tf.tidy(() => {
    const params = (test.centred ? [weight, bias] : [weight]).map((values) => tf.tensor1d(values));
    const f = (t: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) =>
      b ? layerNorm(t, w as tf.Tensor1D, b as tf.Tensor1D, epsilon) : rmsNorm(t, w as tf.Tensor1D, epsilon);
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const y = f(...(tensors as [tf.Tensor, tf.Tensor]));
      return tf.sum(tf.mul(y, tf.tensor(dy, test.shape)));
    })([tf.tensor(x, test.shape), ...params]);
    value.dispose();
    const y = f(...([tf.tensor(x, test.shape), ...params] as [tf.Tensor, tf.Tensor]));
    return [y, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

/** The same by the definition, in float64. */
function define(test: Case): number[][] {
  const { x, weight, bias, dy } = inputsOf(test);
  const width = weight.length;
  const [y, dx] = [new Array<number>(x.length), new Array<number>(x.length)];
  const [dWeight, dBias] = [new Array<number>(width).fill(0), new Array<number>(width).fill(0)];
  for (let at = 0; at < x.length; at += width) {
    const row = Array.from(x.subarray(at, at + width));
    const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / width;
    const mean = test.centred ? average(row) : 0;
    const scale = 1 / Math.sqrt(average(row.map((value) => (value - mean) ** 2)) + epsilon);
    const z = row.map((value) => (value - mean) * scale);
    const g = z.map((_, j) => dy[at + j] * weight[j]);
    const [meanG, meanGz] = [test.centred ? average(g) : 0, average(g.map((value, j) => value * z[j]))];
    for (let j = 0; j < width; j++) {
      y[at + j] = z[j] * weight[j] + (test.centred ? bias[j] : 0);
      dx[at + j] = scale * (g[j] - meanG - z[j] * meanGz);
      dWeight[j] += dy[at + j] * z[j];
      dBias[j] += dy[at + j];
    }
  }
  return test.centred ? [y, dx, dWeight, dBias] : [y, dx, dWeight];
}

function expectClose(found: ArrayLike<number>[], expected: ArrayLike<number>[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  for (const [i, values] of expected.entries()) {
    expect(found[i].length).toBe(values.length);
    for (let j = 0; j < values.length; j++) {
      const error = Math.abs(found[i][j] - values[j]);
      if (!(error <= tolerance * (1 + Math.abs(values[j])))) expect(`${i}, ${j}: ${found[i][j]}`).toBe(`${values[j]}`);
    }
  }
}

describe.each([{ centred: false }, { centred: true }])('a native norm, centred: $centred', ({ centred }) => {
  beforeAll(async () => {
    await selectBackend('native');
  });
  const cases = shapes.map((shape) => ({ shape, centred }));

  it.each(cases)('equals the definition in float64: $shape', (test) => {
    expectClose(run(test), define(test), 2e-5);
  });

  it('equals the ops of TensorFlow.js', async () => {
    const filled = cases.filter(({ shape }) => !shape.includes(0));
    const found = filled.map(run);
    await selectBackend('wasm');
    const expected = filled.map(run);
    await selectBackend('native');
    for (const i of filled.keys()) expectClose(found[i], expected[i], 2e-5);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const runOn = (threads: number) => {
      backend.setThreads(threads);
      return run({ shape: [2000, 40], centred }).map(({ buffer }) => Buffer.from(buffer).toString('hex'));
    };
    expect(runOn(1)).toEqual(runOn(2));
  });

  it('passes on what is not finite, row by row', () => {
    const x = tf.tensor2d([1, Number.NaN, 1, 2], [2, 2]);
    const ones = tf.ones([2]) as tf.Tensor1D;
    const y = centred ? layerNorm(x, ones, ones, epsilon) : rmsNorm(x, ones, epsilon);
    const [first, second, ...rest] = y.dataSync();
    expect([first, second]).toEqual([Number.NaN, Number.NaN]);
    expect(rest.every(Number.isFinite)).toBe(true);
  });

  it('refuses parameters of another width', () => {
    const [x, weight] = [tf.ones([2, 3]), tf.ones([2]) as tf.Tensor1D];
    const call = () => (centred ? layerNorm(x, tf.ones([3]), weight, epsilon) : rmsNorm(x, weight, epsilon));
    expect(call).toThrow(/^backend: (weight|bias) of a norm must have shape \[3\], x's last axis, got \[2\]/);
  });
});
