import { selectBackend, tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { initEma, updateEma } from './ema.js';

describe.each(backends)('on %s', (backend) => {
  it('moves a code to the running mean of its vectors', async () => {
    await selectBackend(backend);
    const codebook = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const next = updateEma(initEma(codebook), tf.tensor2d([3, 0, 5, 0], [2, 2]), tf.tensor1d([0, 0], 'int32'), 0.5);
    // Counts (1, 1) -> .5 (1, 1) + .5 (2, 0); sums (1, 0) -> .5 (1, 0) + .5 (8, 0).
    expect(Array.from(await next.counts.data())).toEqual([1.5, 0.5]);
    expect(Array.from(await next.sums.data())).toEqual([4.5, 0, 0, 0.5]);
    const values = await next.codebook.data();
    [3, 0, 0, 1].forEach((expected, i) => {
      expect(values[i]).toBeCloseTo(expected, 3);
    });
  });

  it('keeps a code that nothing chooses finite', async () => {
    await selectBackend(backend);
    let ema = { ...initEma(tf.tensor2d([1, 2], [2, 1])), codebook: tf.zeros([2, 1]) as tf.Tensor2D };
    for (let i = 0; i < 200; i++) ema = updateEma(ema, tf.tensor2d([4], [1, 1]), tf.tensor1d([0], 'int32'), 0.5);
    const [used, unused] = await ema.codebook.data();
    expect(used).toBeCloseTo(4, 3);
    expect(Number.isFinite(unused)).toBe(true);
  });
});
