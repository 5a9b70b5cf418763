import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, valuesOf } from '../../fixtures/layers.js';
import { feedForwardLayer, selectBackend, tf } from '../index.js';

const cases = [
  { rows: 0, width: 4, hidden: 8, rate: 0 },
  { rows: 1, width: 1, hidden: 1, rate: 0 },
  { rows: 5, width: 3, hidden: 7, rate: 0.5 },
  { rows: 131, width: 17, hidden: 61, rate: 0.1 },
  { rows: 520, width: 24, hidden: 600, rate: 0.1 },
  { rows: 2600, width: 8, hidden: 33, rate: 0.2 }, // more chunks than groups
];

/** The output, and the gradients of a weighted sum of it. */
function run({ rows, width, hidden, rate }: (typeof cases)[number]) {
  return tf.tidy(() => {
    const inputs = [
      draw(1, [rows, width]),
      tf.reshape(draw(5, [1, width]), [width]),
      draw(2, [width, hidden]),
      draw(3, [hidden, width]),
    ];
    const factors = draw(4, [rows, width]);
    const f = (x: tf.Tensor, norm: tf.Tensor, input: tf.Tensor, output: tf.Tensor) =>
      feedForwardLayer(
        x as tf.Tensor2D,
        { norm: norm as tf.Tensor1D, input: input as tf.Tensor2D, output: output as tf.Tensor2D },
        {
          epsilon: 1e-6,
          hiddenDropout: { rate, key: createKey(1, 'dropout') },
          dropout: { rate: rate / 2, key: createKey(2, 'dropout') },
        },
      );
    const gradients = tf.grads((...[x, norm, input, output]: tf.Tensor[]) =>
      tf.sum<tf.Scalar>(tf.mul(f(x, norm, input, output), factors)),
    )(inputs);
    const [x, norm, input, output] = inputs;
    return valuesOf([f(x, norm, input, output), ...gradients]);
  });
}

describeNativeLayer('feedForwardLayer', cases, run, { exact: 1e-4, rounded: 0.08, threaded: cases[5] });

describe('feedForwardLayer', () => {
  it('refuses weights that do not fit and rates that are none', async () => {
    await selectBackend('cpu');
    const [x, norm] = [draw(1, [2, 3]), tf.ones<tf.Rank.R1>([3])];
    const [input, output] = [draw(2, [3, 4]), draw(3, [4, 3])];
    expect(() => feedForwardLayer(x, { norm, input, output: input }, { epsilon: 1e-6 })).toThrow(
      "backend: feedForwardLayer's weights must be [3], [3, F] and [F, 3], got [3], [3,4] and [3,4]",
    );
    const dropout = { rate: 1, key: createKey(1, 'dropout') };
    expect(() => feedForwardLayer(x, { norm, input, output }, { epsilon: 1e-6, dropout })).toThrow(
      'dropout rate must be in [0, 1), got 1',
    );
  });
});
