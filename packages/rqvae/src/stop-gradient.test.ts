import { selectBackend, tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { stopGradient, withoutGradient } from './stop-gradient.js';

describe.each(backends)('stopGradient on %s', (backend) => {
  it('keeps the values and passes no gradient', async () => {
    await selectBackend(backend);
    const x = tf.tensor1d([1, 2, 3]);
    expect(Array.from(await stopGradient(x).data())).toEqual([1, 2, 3]);
    // d/dx sum(x * sg[x]) = sg[x], not 2 x.
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(y, stopGradient(y))))(x);
    expect(Array.from(await gradient.data())).toEqual([1, 2, 3]);
  });

  it('hides operations that have no gradient', async () => {
    await selectBackend(backend);
    const x = tf.tensor2d([1, 3, 2, 5, 0, 1], [2, 3]);
    const largest = (y: tf.Tensor) => withoutGradient(() => tf.cast(tf.argMax(y, 1), 'float32'));
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(y, tf.expandDims(largest(y), 1))))(x);
    expect(Array.from(await gradient.data())).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it('leaves no tensors behind', async () => {
    await selectBackend(backend);
    const x = tf.tensor1d([1, 2, 3]);
    const before = tf.memory().numTensors;
    tf.dispose(tf.grad((y: tf.Tensor) => tf.sum(tf.mul(y, stopGradient(y))))(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});
