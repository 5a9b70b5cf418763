import { tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import { draw, drawIntegers, drawTensor, expectAsOnCpu, isBuilt, runOn } from '../../fixtures/ops.js';

describe.skipIf(!isBuilt)('structure kernels', () => {
  it('reshapes and clones without copying', async () => {
    await runOn('native', () => {
      const x = drawTensor(1, [4, 6]);
      const { numDataBuffers } = tf.memory();
      const copies = [tf.clone(x), tf.reshape(x, [2, -1]), tf.expandDims(x, 1), tf.expandDims(x, -1), tf.squeeze(x)];
      expect(copies.map(({ shape }) => shape)).toEqual([
        [4, 6],
        [2, 12],
        [4, 1, 6],
        [4, 6, 1],
        [4, 6],
      ]);
      expect(tf.memory().numDataBuffers).toBe(numDataBuffers);
      return copies;
    });
    await expectAsOnCpu(() => tf.reshape(drawTensor(1, [0, 6]), [3, 0]));
  });

  it('casts as JavaScript converts numbers', async () => {
    const x = [
      ...draw(1, 50).map((value) => value * 1000),
      0,
      -0,
      0.9,
      -0.9,
      2 ** 31,
      -(2 ** 31),
      3e9,
      -3e9,
      1e20,
      1e38,
    ];
    const values = [...x, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      await expectAsOnCpu(() => tf.cast(tf.tensor1d(values), dtype));
      await expectAsOnCpu(() => tf.cast(tf.tensor1d([-5, 0, 7, 2 ** 30 + 1], 'int32'), dtype));
      await expectAsOnCpu(() => tf.cast(tf.tensor1d([0, 1, 1], 'bool'), dtype));
      await expectAsOnCpu(() => tf.cast(tf.zeros([3, 0], 'int32'), dtype));
    }
  });

  it('does not take the bits of whole numbers for floats', async () => {
    await expectAsOnCpu(() =>
      tf.mul(tf.cast(tf.tensor1d([1, 2, 3], 'int32'), 'float32'), tf.tensor1d([0.5, 0.5, 0.5])),
    );
  });

  it('fills', async () => {
    await expectAsOnCpu(() => [
      tf.fill([3, 7], 2.5),
      tf.fill([70_001], -1),
      tf.fill([2], 3, 'int32'),
      tf.fill([2], 1, 'bool'),
      tf.zerosLike(drawTensor(1, [5, 3], true)),
      tf.onesLike(drawTensor(1, [5, 3], true)),
      tf.zerosLike(tf.tensor1d([3], 'int32')),
      tf.onesLike(tf.tensor1d([0, 1], 'bool')),
      tf.fill([0], 1),
    ]);
  });

  it('oneHot leaves rows of foreign indices off', async () => {
    for (const dtype of ['float32', 'int32'] as const) {
      await expectAsOnCpu(() => tf.oneHot(tf.tensor2d([0, 2, -1, 3, 1, 7], [2, 3], 'int32'), 3, 5, -2, dtype));
      await expectAsOnCpu(() => tf.oneHot(tf.tensor1d(drawIntegers(1, 3000, 40), 'int32'), 33, 1, 0, dtype));
    }
  });

  it('where picks element by element', async () => {
    const condition = () => tf.greater(drawTensor(3, [201, 103]), 0);
    await expectAsOnCpu(() => tf.where(condition(), drawTensor(1, [201, 103], true), drawTensor(2, [201, 103], true)));
    await expectAsOnCpu(() =>
      tf.where(tf.tensor1d([1, 0], 'bool'), tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3, 4], 'int32')),
    );
  });
});
