import { tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import { drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt, runOn } from '../../fixtures/ops.js';

const topK = (x: tf.Tensor, k: number) => {
  const { values, indices } = tf.topk(x, k);
  return [values, indices];
};

describe.skipIf(!isBuilt)('topk', () => {
  it.each([
    [[1], 1],
    [[20], 20],
    [[5, 33], 1],
    [[5, 33], 7],
    [[4, 3, 1000], 50],
    [[2, 12_101], 20],
    [[3, 5], 0],
  ])('of [%s] takes the %d best, ties in order of place', async (shape, k) => {
    await expectAsOnCpu(() => topK(drawTensor(1, shape), k));
    await expectAsOnCpu(() => topK(tf.mul(-1, tf.abs(drawTensor(1, shape))), k));
    await expectAsOnCpu(() => topK(tf.floor(tf.mul(2, drawTensor(2, shape))), k), { others: ['Floor'] });
  });

  // The cpu kernel subtracts values to compare them, which makes NaN of two infinities.
  it('knows equal infinities', async () => {
    const [x, values, indices] = await runOn('native', () => {
      const x = tf.div(drawTensor(1, [501]), tf.relu(drawTensor(2, [501])));
      return [x, ...topK(x, 300)];
    });
    const order = [...x.values.keys()].sort((i, j) => {
      const [a, b] = [x.values[i], x.values[j]];
      return a === b ? i - j : b > a ? 1 : -1;
    });
    expect(indices.values).toEqual(order.slice(0, 300));
    expect(values.values).toEqual(order.slice(0, 300).map((i) => x.values[i]));
  });

  it('puts NaN last', async () => {
    const { NEGATIVE_INFINITY: low, NaN: no } = Number;
    const [values, indices] = await runOn('native', () => topK(tf.tensor1d([no, 1, no, low, 5, no, -0, 0]), 6));
    expect(indices.values).toEqual([4, 1, 6, 7, 3, 0]);
    expect(values.values).toEqual([5, 1, -0, 0, low, no]);
  });

  it('gives the same on any number of threads', async () => {
    await expectSameBitsOnThreads(() => topK(drawTensor(1, [31, 2070]), 10));
  });
});
