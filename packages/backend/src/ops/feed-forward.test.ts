import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { feedForward, selectBackend, tf } from '../index.js';

const hasNative = await selectBackend('native').then(
  () => true,
  () => false,
);

function draw(seed: number, shape: [number, number]): tf.Tensor2D {
  const generator = createGenerator(createKey(seed, 'sample'));
  return tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, () => generator.normal()),
    shape,
  );
}

const cases = [
  { rows: 1, width: 1, hidden: 1, rate: 0 },
  { rows: 5, width: 3, hidden: 7, rate: 0.5 },
  { rows: 131, width: 17, hidden: 61, rate: 0.1 },
  { rows: 260, width: 24, hidden: 1100, rate: 0.1 },
];

/** The output, and the gradients of a weighted sum of it. */
async function run(backend: string, { rows, width, hidden, rate }: (typeof cases)[number]): Promise<number[][]> {
  await selectBackend(backend);
  return tf.tidy(() => {
    const inputs = [draw(1, [rows, width]), draw(2, [width, hidden]), draw(3, [hidden, width])] as const;
    const weights = draw(4, [rows, width]);
    const f = (x: tf.Tensor, input: tf.Tensor, output: tf.Tensor) =>
      feedForward(x as tf.Tensor2D, input as tf.Tensor2D, output as tf.Tensor2D, {
        rate,
        key: createKey(1, 'dropout'),
      });
    const gradients = tf.grads((x, input, output) => tf.sum(tf.mul(f(x, input, output), weights)) as tf.Scalar)([
      ...inputs,
    ]);
    return [f(...inputs), ...gradients].map((tensor) => Array.from(tensor.dataSync()));
  });
}

describe('feedForward', () => {
  it.skipIf(!hasNative).each(cases)('on native equals core ops, forward and gradient: %o', async (given) => {
    const expected = await run('cpu', given);
    const found = await run('native', given);
    for (const [i, values] of expected.entries()) {
      const scale = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length) + 1e-6;
      for (const [j, value] of values.entries()) expect(Math.abs(found[i][j] - value) / scale).toBeLessThan(1e-4);
    }
  });

  it('refuses weights that do not fit', async () => {
    await selectBackend('cpu');
    expect(() => feedForward(draw(1, [2, 3]), draw(2, [3, 4]), draw(3, [3, 4]))).toThrow(
      "backend: feedForward's weights must be [3, F] and [F, 3]",
    );
  });
});
