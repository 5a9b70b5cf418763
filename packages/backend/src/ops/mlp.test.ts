import { beforeAll, describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, hasNative, valuesOf } from '../../fixtures/layers.js';
import { mlp, selectBackend, tf } from '../index.js';

const cases = [
  { rows: 0, widths: [3, 2] },
  { rows: 1, widths: [1, 1, 1] },
  { rows: 3, widths: [5, 7] },
  { rows: 131, widths: [33, 65, 17, 40] },
  { rows: 300, widths: [16, 128, 9, 33, 7] },
  { rows: 2600, widths: [8, 33, 5] }, // more rows than weights' gradients take at a time
];

const layersOf = (widths: number[], tensors: tf.Tensor[]) =>
  widths.slice(1).map((_, i) => ({ weight: tensors[2 * i] as tf.Tensor2D, bias: tensors[2 * i + 1] as tf.Tensor1D }));

/** The output, and the gradients of a weighted sum of it. */
function run({ rows, widths }: (typeof cases)[number]) {
  return tf.tidy(() => {
    const x = draw(1, [rows, widths[0]]);
    const weights = widths.slice(1).flatMap((outputs, i) => {
      const weight = tf.mul(draw(10 + i, [widths[i], outputs]), widths[i] ** -0.5);
      return [weight, tf.reshape(draw(20 + i, [1, outputs]), [outputs])];
    });
    const factors = draw(2, [rows, widths[widths.length - 1]]);
    const f = (x: tf.Tensor, ...tensors: tf.Tensor[]) => mlp(x as tf.Tensor2D, layersOf(widths, tensors));
    const gradients = tf.grads((...inputs: tf.Tensor[]) => {
      const [x, ...tensors] = inputs;
      return tf.sum<tf.Scalar>(tf.mul(f(x, ...tensors), factors));
    })([x, ...weights]);
    return valuesOf([f(x, ...weights), ...gradients]);
  });
}

describeNativeLayer('mlp', cases, run, { exact: 1e-4, rounded: 0.08, threaded: cases[5] });

describe.each(['cpu', ...(hasNative ? ['native'] : [])])('mlp on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  const one = { weight: tf.ones<tf.Rank.R2>([1, 1]), bias: tf.zeros<tf.Rank.R1>([1]) };

  it('keeps a NaN', () => {
    const dx = tf.grad((x: tf.Tensor) => tf.sum(mlp(x as tf.Tensor2D, [one, one])))(
      tf.tensor2d([[Number.NaN], [1], [-1]]),
    );
    expect(Array.from(dx.dataSync()).slice(1)).toEqual([1, 0]);
    expect(Array.from(mlp(tf.tensor2d([[Number.NaN]]), [one, one]).dataSync())).toEqual([Number.NaN]);
  });

  it('refuses layers that do not fit', () => {
    expect(() => mlp(tf.ones([2, 3]), [one])).toThrow(
      "backend: weight and bias of mlp's layer 0 must be [3, O] and [O], got [1,1] and [1]",
    );
  });
});
