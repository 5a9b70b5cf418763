import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, expectClose, hasNative, valuesOf } from '../../fixtures/layers.js';
import { selectBackend, softmaxCrossEntropy, tf } from '../index.js';

// The last two have more rows and classes than a block, the last one fills blocks to the end.
const shapes = [
  { rows: 1, classes: 2, width: 2 },
  { rows: 3, classes: 16, width: 5 },
  { rows: 5, classes: 33, width: 64 },
  { rows: 301, classes: 770, width: 17 },
  { rows: 512, classes: 1024, width: 32 },
] as const;
const cases = shapes.flatMap((shape) => [false, true].map((masked) => ({ ...shape, masked })));
type Case = (typeof cases)[number];

/** Logits of some size, far from zero: all are 40 higher by the first component. */
function inputsOf({ rows, classes, width, masked }: Case) {
  const first = tf.oneHot(tf.zeros([1], 'int32'), width);
  const hidden = tf.add(draw(1, [rows, width]), tf.mul(first, 10)) as tf.Tensor2D;
  const compared = tf.add(draw(2, [classes, width]), tf.mul(first, 4)) as tf.Tensor2D;
  const generator = createGenerator(createKey(rows, 'sample'));
  const labels = Int32Array.from({ length: rows }, () => generator.integer(classes));
  const mask = new Float32Array(rows * classes);
  if (masked) {
    for (let i = 0; i < mask.length; i++) if (generator.uniform() < 0.7) mask[i] = -1e9;
    for (const [row, label] of labels.entries()) mask[row * classes + label] = 0;
  }
  return { hidden, compared, labels, mask };
}

/** The loss, and the gradients of three times the loss. */
function run(given: Case) {
  return tf.tidy(() => {
    const { hidden, compared, labels, mask } = inputsOf(given);
    const expected = tf.tensor1d(labels, 'int32');
    const allowed = given.masked ? tf.tensor2d(mask, [given.rows, given.classes]) : undefined;
    const f = (x: tf.Tensor, y: tf.Tensor) =>
      softmaxCrossEntropy(x as tf.Tensor2D, y as tf.Tensor2D, expected, allowed);
    const gradients = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.mul<tf.Scalar>(f(x, y), 3))([hidden, compared]);
    return valuesOf([tf.reshape(f(hidden, compared), [1]), ...gradients]);
  });
}

/** The same by the definition, in float64. */
function define(given: Case): { values: Float32Array }[] {
  const { rows, classes, width } = given;
  const { hidden, compared, labels, mask } = inputsOf(given);
  const [h, c] = [hidden.dataSync(), compared.dataSync()];
  const [dHidden, dClasses] = [new Float64Array(rows * width), new Float64Array(classes * width)];
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const z = Array.from({ length: classes }, (_, j) => {
      let sum = mask[row * classes + j];
      for (let i = 0; i < width; i++) sum += h[row * width + i] * c[j * width + i];
      return sum;
    });
    const top = Math.max(...z);
    const logSum = top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
    loss += (logSum - z[labels[row]]) / rows;
    for (const [j, value] of z.entries()) {
      const d = (3 * (Math.exp(value - logSum) - (j === labels[row] ? 1 : 0))) / rows;
      for (let i = 0; i < width; i++) {
        dHidden[row * width + i] += d * c[j * width + i];
        dClasses[j * width + i] += d * h[row * width + i];
      }
    }
  }
  return [[loss], dHidden, dClasses].map((values) => ({ values: Float32Array.from(values) }));
}

describeNativeLayer('softmaxCrossEntropy', cases, run, { exact: 2e-3, rounded: 0.1, threaded: cases[7] });

describe.each(['wasm', ...(hasNative ? ['native'] : [])])('softmaxCrossEntropy on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it.each(cases)('equals the definition in float64: %o', (given) => {
    expectClose(run(given), define(given), 2e-3);
  });

  it('takes logits of minus infinity, and passes on NaN', () => {
    const labels = tf.tensor1d([0], 'int32');
    const loss = (logits: number[]) =>
      softmaxCrossEntropy(tf.ones([1, 1]), tf.tensor2d(logits, [logits.length, 1]), labels).dataSync()[0];
    expect(loss([0, Number.NaN, 1])).toBe(Number.NaN);
    if (backend !== 'native') return; // its oneHot makes a NaN of 0 times infinity
    expect(loss([0, 0, Number.NEGATIVE_INFINITY])).toBeCloseTo(Math.log(2), 6);
    expect(loss([Number.NEGATIVE_INFINITY, 0])).toBe(Number.POSITIVE_INFINITY);
    expect(loss([Number.NEGATIVE_INFINITY])).toBe(Number.NaN);
  });

  it('leaves no tensors behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => tf.dispose(softmaxCrossEntropy(tf.ones([2, 3]), tf.ones([4, 3]), tf.tensor1d([0, 3], 'int32'))));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what does not fit', () => {
    const [hidden, classes] = [tf.ones<tf.Rank.R2>([1, 3]), tf.ones<tf.Rank.R2>([4, 3])];
    const labels = tf.tensor1d([0], 'int32');
    expect(() => softmaxCrossEntropy(hidden, tf.ones([4, 2]), labels)).toThrow('classes must be as wide as hidden (3)');
    expect(() => softmaxCrossEntropy(hidden, classes, tf.tensor1d([0, 1], 'int32'))).toThrow(
      'labels must have one entry per row of hidden (1), got 2',
    );
    expect(() => softmaxCrossEntropy(hidden, classes, tf.tensor1d([0]))).toThrow('labels must be int32, got float32');
    expect(() => softmaxCrossEntropy(hidden, classes, labels, tf.ones([4, 1]))).toThrow(
      'backend: mask must have a row',
    );
  });
});

describe.skipIf(!hasNative)('softmaxCrossEntropy on native', () => {
  it.each([-1, 3])('refuses the label %i of three classes', async (label) => {
    await selectBackend('native');
    expect(() => softmaxCrossEntropy(tf.ones([1, 2]), tf.ones([3, 2]), tf.tensor1d([label], 'int32'))).toThrow(
      `backend-native: labels must be in [0, 3), got ${label}`,
    );
  });
});
