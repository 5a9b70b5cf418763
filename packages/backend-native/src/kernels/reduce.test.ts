import { tf } from '@codebeam/backend';
import { describe, it } from 'vitest';
import { draw, drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

const cases: [number[], number[] | undefined][] = [
  [[], undefined],
  [[1], [0]],
  [[5], undefined],
  [[100], [0]],
  [[40_001], undefined],
  [[3, 50_000], [1]],
  [[7, 13], [1]],
  [[7, 13], [0]],
  [[7, 13], undefined],
  [[1, 13], [0]],
  [[1001, 37], [0]],
  [[300, 2500], [0]],
  [
    [200, 600],
    [0, 1],
  ],
  [[3, 1000, 33], [1]],
  [
    [6, 5, 7],
    [0, 2],
  ],
  [
    [6, 5, 7],
    [0, 1],
  ],
  [
    [6, 5, 7],
    [1, 2],
  ],
  [
    [2, 3, 4, 5, 6],
    [0, 2, 4],
  ],
  [
    [2, 3, 4, 5, 6],
    [1, 3],
  ],
  [[2, 1, 4], [1]],
];
const ops = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min } as const;

describe.skipIf(!isBuilt)('reductions', () => {
  it.each(Object.entries(ops))('%s over any axes is as on the cpu backend', async (_, op) => {
    for (const [shape, axes] of cases) {
      // Rounding errors of a sum grow with the sizes of its terms, not with its own.
      const absolute = 1e-5 + 1e-8 * tf.util.sizeFromShape(shape);
      for (const keepDims of [false, true]) {
        await expectAsOnCpu(() => op(drawTensor(1, shape), axes, keepDims), { absolute });
        // Without the huge numbers, in whose sums all others are lost.
        const x = draw(1, tf.util.sizeFromShape(shape), true).map((value) =>
          Math.abs(value) === Math.fround(1e30) ? 1 : value,
        );
        await expectAsOnCpu(() => op(tf.tensor(x, shape), axes, keepDims), { absolute });
      }
    }
  });

  it('multiplies numbers near 1', async () => {
    for (const [shape, axes] of cases) {
      const x = draw(1, tf.util.sizeFromShape(shape)).map((value) => 1 + value / 1000);
      await expectAsOnCpu(() => tf.prod(tf.tensor(x, shape), axes), { relative: 1e-4 });
    }
  });

  it('sums a million numbers nearly as exactly as float64 does', async () => {
    const x = draw(1, 1_000_000).map((value) => value + 3);
    await expectAsOnCpu(() => [tf.sum(tf.tensor1d(x)), tf.mean(tf.tensor2d(x, [2000, 500]), 0)], { relative: 5e-7 });
  });

  it('leaves other types and empty tensors to the cpu kernels', async () => {
    await expectAsOnCpu(() => tf.sum(tf.tensor1d([1, 2, 3], 'int32')), { others: ['Sum'] });
    await expectAsOnCpu(() => tf.sum(tf.zeros([3, 0]), 1), { others: ['Sum'] });
    await expectAsOnCpu(() => tf.mean(tf.tensor1d([1, 2, 4], 'int32')), { others: ['Mean'] });
    await expectAsOnCpu(() => tf.max(tf.tensor1d([1, 5, 3], 'int32')), { others: ['Max'] });
  });

  it('has the gradients of the formulas', async () => {
    for (const op of Object.values(ops)) {
      for (const [shape, axes] of cases.filter(([shape]) => tf.util.sizeFromShape(shape) < 10_000)) {
        const gradient = tf.grad((x: tf.Tensor) => op(tf.square(x), axes));
        await expectAsOnCpu(() => gradient(drawTensor(1, shape)), { absolute: 1e-6 });
      }
    }
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() =>
      [...cases, [[70_000, 3], [0]] as [number[], number[]]].map(([shape, axes]) => tf.sum(drawTensor(1, shape), axes)),
    );
  });
});
