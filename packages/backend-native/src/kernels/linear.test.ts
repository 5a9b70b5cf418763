import { type Activation, linear, selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const normals = (seed: number, size: number) => {
  const generator = createGenerator(createKey(seed, 'sample'));
  return Float32Array.from({ length: size }, () => generator.normal());
};

interface Case {
  rows: number;
  inputs: number;
  outputs: number;
  activation: Activation;
}

const cases: Case[] = [
  { rows: 0, inputs: 3, outputs: 2 },
  { rows: 1, inputs: 1, outputs: 1 },
  { rows: 3, inputs: 5, outputs: 7 },
  { rows: 130, inputs: 33, outputs: 65 },
  { rows: 700, inputs: 16, outputs: 128 },
].flatMap((shape) => (['linear', 'relu'] as const).map((activation) => ({ ...shape, activation })));

const inputsOf = ({ rows, inputs, outputs }: Case) => ({
  x: normals(1, rows * inputs),
  weight: normals(2, inputs * outputs),
  bias: normals(3, outputs),
  dy: normals(4, rows * outputs),
});

/** y, dx, dweight, dbias */
function run(given: Case): number[][] {
  const { rows, inputs, outputs, activation } = given;
  const { x, weight, bias, dy } = inputsOf(given);
  return tf.tidy(() => {
    const tensors = [
      tf.tensor2d(x, [rows, inputs]),
      tf.tensor2d(weight, [inputs, outputs]),
      tf.tensor1d(bias),
    ] as const;
    const f = (...[a, w, b]: tf.Tensor[]) => linear(a as tf.Tensor2D, w as tf.Tensor2D, b as tf.Tensor1D, activation);
    const weights = tf.tensor2d(dy, [rows, outputs]);
    const gradients = tf.grads((...args: tf.Tensor[]) => tf.sum(tf.mul(f(...args), weights)))([...tensors]);
    return [f(...tensors), ...gradients].map((tensor) => Array.from(tensor.dataSync()));
  });
}

/** The same in float64. */
function define(given: Case): number[][] {
  const { rows, inputs, outputs, activation } = given;
  const { x, weight, bias, dy } = inputsOf(given);
  const [y, dx] = [new Array<number>(rows * outputs), new Array<number>(rows * inputs).fill(0)];
  const [dWeight, dBias] = [new Array<number>(inputs * outputs).fill(0), new Array<number>(outputs).fill(0)];
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o];
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i] * weight[i * outputs + o];
      const isOff = activation === 'relu' && sum <= 0;
      y[r * outputs + o] = isOff ? 0 : sum;
      const d = isOff ? 0 : dy[r * outputs + o];
      dBias[o] += d;
      for (let i = 0; i < inputs; i++) {
        dx[r * inputs + i] += d * weight[i * outputs + o];
        dWeight[i * outputs + o] += d * x[r * inputs + i];
      }
    }
  }
  return [y, dx, dWeight, dBias];
}

describe('linear on native', () => {
  beforeEach(async () => {
    await selectBackend('native');
  });

  it.each(cases)('and its gradients are those of float64: %o', (given) => {
    const [found, expected] = [run(given), define(given)];
    for (const [which, values] of expected.entries()) {
      expect(found[which].length).toBe(values.length);
      const errors = values.map((value, i) => Math.abs(found[which][i] - value) / (1 + Math.abs(value)));
      expect(errors.findIndex((error) => !(error < 1e-4))).toBe(-1);
    }
  });

  it('keeps a NaN', () => {
    const dx = tf.grad((x: tf.Tensor) => tf.sum(linear(x as tf.Tensor2D, tf.ones([1, 1]), tf.zeros([1]), 'relu')))(
      tf.tensor2d([[Number.NaN], [1], [-1]]),
    );
    expect(Array.from(dx.dataSync())).toEqual([Number.NaN, 1, 0]);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const given = { rows: 1000, inputs: 40, outputs: 96, activation: 'relu' } as const;
    backend.setThreads(1);
    const one = run(given);
    backend.setThreads(2);
    expect(run(given)).toEqual(one);
  });
});
