import { beforeAll, describe, expect, it } from 'vitest';
import { draw, expectClose, hasNative, onOneAndTwoThreads, valuesOf } from '../../fixtures/layers.js';
import { type BprMaxOptions, bprMax, selectBackend, tf } from '../index.js';

const options = [
  { eluParam: 0, bpreg: 0 },
  { eluParam: 0.5, bpreg: 1 },
  { eluParam: 1, bpreg: 1.95 },
];
const cases = [
  [1, 2],
  [3, 5],
  [7, 16],
  [19, 133],
].flatMap(([rows, count]) => options.map((one) => ({ rows, count, ...one })));
type Case = (typeof cases)[number];

/** The loss, and the gradient of three times it. */
function run({ rows, count, ...how }: Case) {
  return tf.tidy(() => {
    const scores = draw(1, [rows, count]);
    const f = (x: tf.Tensor) => bprMax(x as tf.Tensor2D, how);
    return valuesOf([tf.reshape(f(scores), [1]), tf.grad((x: tf.Tensor) => tf.mul<tf.Scalar>(f(x), 3))(scores)]);
  });
}

/** The loss of one row by the definition, in float64. */
function define(scores: Float64Array, target: number, { eluParam, bpreg }: BprMaxOptions): number {
  const o = scores.map((x) => (x > 0 || eluParam === 0 ? x : eluParam * (Math.exp(x) - 1)));
  const powers = o.map((x, j) => (j === target ? 0 : Math.exp(x)));
  const mass = powers.reduce((a, b) => a + b);
  const won = o.reduce((sum, x, j) => sum + powers[j] / mass / (1 + Math.exp(x - o[target])), 0);
  const squares = o.reduce((sum, x, j) => sum + (powers[j] / mass) * x ** 2, 0);
  return bpreg * squares - Math.log(won);
}

/** The mean loss, and the gradient of three times it by central differences of the definition. */
function expected({ rows, count, ...how }: Case): { values: Float32Array }[] {
  const scores = Float64Array.from(tf.tidy(() => draw(1, [rows, count]).dataSync()));
  const gradient = new Float32Array(rows * count);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const own = scores.subarray(row * count, (row + 1) * count);
    loss += define(own, row, how) / rows;
    for (const [j, x] of own.entries()) {
      const [up, down] = [1e-5, -1e-5].map((h) => define(own.with(j, x + h), row, how));
      gradient[row * count + j] = (3 * (up - down)) / 2e-5 / rows;
    }
  }
  return [{ values: Float32Array.of(loss) }, { values: gradient }];
}

describe.each(['wasm', ...(hasNative ? ['native'] : [])])('bprMax on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it.each(cases)('and its gradient are as defined in float64: %o', (given) => {
    expectClose(run(given), expected(given), 1e-4);
  });

  it('stays finite where one item is far ahead', () => {
    const far = tf.tensor2d([
      [-60, 60, 0],
      [0, 60, -60],
    ]);
    const how: BprMaxOptions = { eluParam: 0, bpreg: 1 };
    const gradient = tf
      .grad((x: tf.Tensor) => bprMax(x as tf.Tensor2D, how))(far)
      .dataSync();
    expect(gradient.every(Number.isFinite) && Number.isFinite(bprMax(far, how).dataSync()[0])).toBe(true);
  });

  it('refuses scores without negatives', () => {
    expect(() => bprMax(tf.zeros([1, 1]), options[0])).toThrow('got [1,1]; add negatives');
    expect(() => bprMax(tf.zeros([3, 2]), options[0])).toThrow('got [3,2]');
  });
});

it.skipIf(!hasNative)('bprMax gives the same bits with one thread and with two', async () => {
  await selectBackend('native');
  const [one, two] = onOneAndTwoThreads(() => run({ rows: 200, count: 900, eluParam: 0.5, bpreg: 1 }));
  expect(two).toEqual(one);
});
