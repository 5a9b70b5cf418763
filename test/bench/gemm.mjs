// The product of two matrices of --size (12101 is EASE's on Beauty): the median of 3, after one of a quarter of the rows to warm up.
import { tf } from '@codebeam/backend';
import { median } from './beauty.mjs';

export async function run({ size }) {
  const n = Number(size);
  const a = tf.randomNormal([n, n], 0, 1, 'float32', 1);
  const b = tf.randomNormal([n, n], 0, 1, 'float32', 2);
  await multiply(tf.slice(a, [0, 0], [Math.ceil(n / 4), n]), b);
  const times = [];
  for (let pass = 0; pass < 3; pass++) {
    times.push(await multiply(a, b));
    console.log(`${n} x ${n} x ${n}: ${times.at(-1).toFixed(2)} s`);
  }
  const seconds = median(times);
  return { seconds, gigaflopsPerSecond: (2 * n ** 3) / seconds / 1e9, model: `matrix product of ${n}` };
}

async function multiply(a, b) {
  const start = performance.now();
  const product = tf.matMul(a, b);
  // One element: on a GPU this waits for the product.
  await tf.slice(product, [0, 0], [1, 1]).data();
  product.dispose();
  return (performance.now() - start) / 1000;
}
