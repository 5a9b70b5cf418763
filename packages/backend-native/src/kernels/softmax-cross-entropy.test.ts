import { selectBackend, softmaxCrossEntropy, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

// The last has more rows than a chunk.
const shapes = [
  [1, 1],
  [1, 7],
  [3, 16],
  [5, 33],
  [40, 770],
  [33, 2000],
] as const;
const cases = shapes.flatMap(([rows, classes]) => [false, true].map((masked) => ({ rows, classes, masked })));
type Case = (typeof cases)[number];

function inputsOf({ rows, classes, masked }: Case) {
  const generator = createGenerator(createKey(rows, 'sample'));
  const logits = Float32Array.from({ length: rows * classes }, () => 5 * generator.normal() + 40);
  const labels = Int32Array.from({ length: rows }, () => generator.integer(classes));
  const mask = new Float32Array(rows * classes);
  if (masked) {
    for (let i = 0; i < mask.length; i++) if (generator.uniform() < 0.7) mask[i] = -1e9;
    for (const [row, label] of labels.entries()) mask[row * classes + label] = 0;
  }
  return { logits, labels, mask };
}

/** The loss, and the gradient of three times the loss. */
function run(test: Case): [number, Float32Array] {
  const { logits, labels, mask } = inputsOf(test);
  const shape: [number, number] = [test.rows, test.classes];
  return tf.tidy(() => {
    const [classes, allowed] = [tf.tensor1d(labels, 'int32'), test.masked ? tf.tensor2d(mask, shape) : undefined];
    const f = (x: tf.Tensor) => tf.mul(softmaxCrossEntropy(x as tf.Tensor2D, classes, allowed), 3);
    const { value, grad } = tf.valueAndGrad(f)(tf.tensor2d(logits, shape));
    return [value.dataSync()[0] / 3, grad.dataSync() as Float32Array];
  });
}

/** The same by the definition, in float64. */
function define(test: Case): [number, number[]] {
  const { logits, labels, mask } = inputsOf(test);
  const { rows, classes } = test;
  const gradient = new Array<number>(rows * classes);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const z = Array.from({ length: classes }, (_, j) => logits[row * classes + j] + mask[row * classes + j]);
    const top = Math.max(...z);
    const logSum = top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
    loss += (logSum - z[labels[row]]) / rows;
    for (const [j, value] of z.entries()) {
      gradient[row * classes + j] = (3 * (Math.exp(value - logSum) - (j === labels[row] ? 1 : 0))) / rows;
    }
  }
  return [loss, gradient];
}

function expectClose(
  [loss, gradient]: [number, Float32Array],
  [expected, expectedGradient]: [number, ArrayLike<number>],
) {
  expect(Math.abs(loss - expected)).toBeLessThan(1e-5 * (1 + expected));
  let worst = 0;
  for (const [i, value] of gradient.entries()) worst = Math.max(worst, Math.abs(value - expectedGradient[i]));
  expect(worst).toBeLessThan(2e-5);
}

describe('native softmax cross-entropy', () => {
  beforeAll(async () => {
    await selectBackend('native');
  });

  it.each(cases)('equals the definition in float64: %j', (test) => {
    expectClose(run(test), define(test));
  });

  it('equals the ops of TensorFlow.js', async () => {
    const several = cases.filter(({ classes }) => classes > 1); // their oneHot refuses one class
    const found = several.map(run);
    await selectBackend('wasm');
    const expected = several.map(run);
    await selectBackend('native');
    for (const i of several.keys()) expectClose(found[i], expected[i]);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const runOn = (threads: number) => {
      backend.setThreads(threads);
      const [loss, { buffer }] = run({ rows: 300, classes: 101, masked: true } as unknown as Case);
      return [loss, Buffer.from(buffer).toString('hex')];
    };
    expect(runOn(1)).toEqual(runOn(2));
  });

  it('takes logits of minus infinity, and passes on NaN', () => {
    const labels = tf.tensor1d([0], 'int32');
    const loss = (logits: number[]) => softmaxCrossEntropy(tf.tensor2d([logits]), labels).dataSync()[0];
    expect(loss([0, 0, Number.NEGATIVE_INFINITY])).toBeCloseTo(Math.log(2), 6);
    expect(loss([Number.NEGATIVE_INFINITY, 0])).toBe(Number.POSITIVE_INFINITY);
    expect(loss([0, Number.NaN, 1])).toBe(Number.NaN);
    expect(loss([Number.NEGATIVE_INFINITY])).toBe(Number.NaN);
  });

  it('leaves no tensors behind', () => {
    const before = tf.memory().numTensors;
    run({ rows: 3, classes: 16, masked: true });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([-1, 3])('refuses the label %i of three classes', (label) => {
    expect(() => softmaxCrossEntropy(tf.ones([1, 3]), tf.tensor1d([label], 'int32'))).toThrow(
      `backend-native: labels must be in [0, 3), got ${label}`,
    );
  });

  it('refuses a mask of another shape and labels that are not int32', () => {
    const [logits, labels] = [tf.ones([1, 3]) as tf.Tensor2D, tf.tensor1d([0], 'int32')];
    expect(() => softmaxCrossEntropy(logits, labels, tf.ones([3, 1]))).toThrow('backend: mask must have the shape');
    expect(() => softmaxCrossEntropy(logits, tf.tensor1d([0]))).toThrow('backend: labels must be int32, got float32');
  });
});
