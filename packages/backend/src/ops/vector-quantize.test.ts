import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend, tf, vectorQuantize } from '../index.js';

describe.each(['cpu', 'wasm'] as const)('vectorQuantize on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  const x = () => tf.tensor2d([1, 1, 5, 6, 0, 0], [3, 2]);
  const codebook = () => tf.tensor2d([0, 1, 4, 4, 9, 9], [3, 2]);

  it('takes the nearest code of each row and says what is left', () => {
    const { codes, codeVectors, rest } = vectorQuantize(x(), codebook(), 'l2');
    expect(codes.arraySync()).toEqual([0, 1, 0]);
    expect(codeVectors.arraySync()).toEqual([
      [0, 1],
      [4, 4],
      [0, 1],
    ]);
    expect(rest.arraySync()).toEqual([
      [1, 0],
      [1, 2],
      [0, -1],
    ]);
  });

  it('is differentiable by the codebook through the code vectors and by x through the rest, no other way', () => {
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const [dx, dCodebook] = tf.grads((given: tf.Tensor, codes: tf.Tensor) => {
      const level = vectorQuantize(given as tf.Tensor2D, codes as tf.Tensor2D, 'l2');
      return tf.sum(tf.add(tf.mul(level.codeVectors, weights), tf.mul(level.rest, 10)));
    })([x(), codebook()]);
    expect(Array.from(dx.dataSync())).toEqual([10, 10, 10, 10, 10, 10]);
    expect(dCodebook.arraySync()).toEqual([
      [6, 8],
      [3, 4],
      [0, 0],
    ]);
  });

  it('refuses a codebook without codes', () => {
    expect(() => vectorQuantize(x(), tf.zeros([0, 2]), 'l2')).toThrow(
      'backend: codebook must have at least one code, got none',
    );
  });
});
