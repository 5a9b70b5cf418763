import { selectBackend, tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import {
  drawIntegers,
  drawTensor,
  expectAsOnCpu,
  expectClose,
  expectSameBitsOnThreads,
  isBuilt,
  runOn,
} from '../../fixtures/ops.js';

const exact = { relative: 0, absolute: 0 };
const idsOf = (seed: number, shape: number[], below: number) =>
  tf.tensor(drawIntegers(seed, tf.util.sizeFromShape(shape), below), shape, 'int32');

describe.skipIf(!isBuilt)('gather', () => {
  it.each([
    [[5], [3], 0, 0],
    [[5, 1], [2, 4], 0, 0],
    [[40, 129], [700], 0, 0],
    [[7, 33], [0], 0, 0],
    [[3, 5, 4], [6], 1, 0],
    [[3, 5, 4], [2, 3], 2, 0],
    [[3, 5, 4], [3, 2], 1, 1],
    [[2, 3, 5, 4], [2, 3, 7], 2, 2],
    [[2, 3, 5, 4], [2, 6], 2, 1],
    [[1, 64], [300], 0, 0],
  ])('of [%s] by ids [%s] along %d with %d batch dimensions', async (shape, ids, axis, batchDims) => {
    await expectAsOnCpu(
      () => tf.gather(drawTensor(1, shape, true), idsOf(2, ids, shape[axis]), axis, batchDims),
      exact,
    );
    const whole = () => tf.tensor(drawIntegers(1, tf.util.sizeFromShape(shape), 100), shape, 'int32');
    await expectAsOnCpu(() => tf.gather(whole(), idsOf(2, ids, shape[axis]), axis, batchDims), exact);
    await expectAsOnCpu(() => tf.gather(tf.cast(whole(), 'bool'), idsOf(2, ids, shape[axis]), axis, batchDims), exact);
  });

  it.each([-1, 5])('refuses the index %d of 5 rows', async (index) => {
    await selectBackend('native');
    const gather = () => tf.gather(drawTensor(1, [5, 3]), tf.tensor1d([0, index, 1], 'int32'));
    expect(() => tf.tidy(gather)).toThrow(`backend-native: indices to gather must be in [0, 5), got ${index}`);
  });
});

describe.skipIf(!isBuilt)('unsortedSegmentSum', () => {
  it.each([
    [[7], 3],
    [[0, 5], 3],
    [[700, 129], 40],
    [[700, 64], 5],
    [[3, 1], 100],
    [[900, 3], 1],
    [[50, 7, 33], 12],
  ])('of rows [%s] in %d segments adds in the order of the rows', async (shape, segments) => {
    const sum = () =>
      tf.unsortedSegmentSum(drawTensor(1, shape), idsOf(2, [shape[0]], segments) as tf.Tensor1D, segments);
    await expectAsOnCpu(sum, exact);
    expectClose(await runOn('native', sum), await runOn('wasm', sum), 0, 0);
  });

  it('leaves ids out that are no segments', async () => {
    const [{ values }] = await runOn('native', () => {
      const ids = tf.tensor1d([1, -1, 3, 0, 2 ** 30, 1], 'int32');
      return tf.unsortedSegmentSum(tf.tensor2d([1, 2, 4, 8, 16, 32], [6, 1]), ids, 3);
    });
    expect(values).toEqual([8, 33, 0]);
  });

  it('is the gradient of gather', async () => {
    for (const [rows, ids] of [
      [5, [4, 3]],
      [1000, [2000]],
      [3, [1500]],
    ] as const) {
      await expectAsOnCpu(
        () =>
          tf.grad((table: tf.Tensor) => tf.square(tf.gather(table, idsOf(2, [...ids], rows))))(
            drawTensor(1, [rows, 70]),
          ),
        exact,
      );
    }
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() => [
      tf.unsortedSegmentSum(drawTensor(1, [3000, 130]), idsOf(2, [3000], 40) as tf.Tensor1D, 40),
      tf.gather(drawTensor(1, [300, 130]), idsOf(2, [3000], 300)),
    ]);
  });
});
