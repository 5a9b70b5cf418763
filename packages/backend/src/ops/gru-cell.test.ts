import { describeNativeLayer, draw, valuesOf } from '../../fixtures/layers.js';
import { gruCell, tf } from '../index.js';

const cases = [
  { rows: 1, units: 1 },
  { rows: 3, units: 5 },
  { rows: 7, units: 16 },
  { rows: 64, units: 100 },
  { rows: 19, units: 133 },
];
const threaded = { rows: 300, units: 100 };

/** The states, and the gradients of their weighted sum by each input. */
function run({ rows, units }: { rows: number; units: number }) {
  return tf.tidy(() => {
    const inputs = [
      draw(1, [rows, 3 * units]),
      tf.reshape(draw(2, [1, 3 * units]), [-1]),
      draw(3, [rows, 3 * units]),
      tf.reshape(draw(4, [1, 3 * units]), [-1]),
      draw(5, [rows, units]),
    ];
    const weights = draw(6, [rows, units]);
    const f = (...[ofInput, bias, ofHidden, hiddenBias, state]: tf.Tensor[]) =>
      gruCell({ ofInput, bias, ofHidden, hiddenBias, state } as Parameters<typeof gruCell>[0]);
    const weighted = (...of: tf.Tensor[]) => tf.sum(tf.mul(f(...of), weights)) as tf.Scalar;
    return valuesOf([f(...inputs), ...tf.grads(weighted)(inputs)]);
  });
}

describeNativeLayer('gruCell', cases, run, { exact: 1e-4, rounded: 1e-4, threaded });
