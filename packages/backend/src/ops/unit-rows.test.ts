import { beforeAll, describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, hasNative, valuesOf } from '../../fixtures/layers.js';
import { selectBackend, tf, unitRows } from '../index.js';

const cases = [
  { rows: 1, width: 1 },
  { rows: 3, width: 5 },
  { rows: 7, width: 64 },
  { rows: 900, width: 77 },
] as const;

/** The rows, and the gradient of their inner products with others. */
function run({ rows, width }: (typeof cases)[number]) {
  return tf.tidy(() => {
    const [x, others] = [draw(1, [rows, width]), draw(2, [rows, width])];
    const gradient = tf.grad((one: tf.Tensor) => tf.sum(tf.mul(unitRows(one as tf.Tensor2D), others)))(x);
    return valuesOf([unitRows(x), gradient]);
  });
}

describeNativeLayer('unitRows', cases, run, { exact: 1e-4, rounded: 1e-4, threaded: cases[3] });

describe.each(['wasm', ...(hasNative ? ['native'] : [])])('unitRows on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it('has rows of length 1, and leaves those of length 0', () => {
    const rows = unitRows(
      tf.tensor2d([
        [3, 4],
        [0, 0],
        [0, -2],
      ]),
    ).arraySync();
    expect(rows.flat().map((x) => Math.round(x * 1e6) / 1e6)).toEqual([0.6, 0.8, 0, 0, 0, -1]);
  });

  it('pulls along the sphere only', () => {
    const x = tf.tensor2d([[3, 4]]);
    const [along, across] = [
      [3, 4],
      [-4, 3],
    ].map((direction) =>
      tf
        .grad((one: tf.Tensor) => tf.sum(tf.mul(unitRows(one as tf.Tensor2D), tf.tensor2d([direction]))))(x)
        .arraySync(),
    ) as number[][][];
    expect(along[0].map((d) => Math.abs(d) < 1e-6)).toEqual([true, true]);
    expect(across[0][0]).toBeCloseTo(-0.8, 5);
    expect(across[0][1]).toBeCloseTo(0.6, 5);
  });
});
