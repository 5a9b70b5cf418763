import { tf } from '@codebeam/backend';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { drawIntegers, drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
const exact = { relative: 0, absolute: 0 };

/** float32 with special values, int32 or bool. */
function tensorOf(shape: number[], dtype: 'float32' | 'int32' | 'bool', seed = 1): tf.Tensor {
  if (dtype === 'float32') return drawTensor(seed, shape, true);
  return tf.tensor(drawIntegers(seed, tf.util.sizeFromShape(shape), dtype === 'bool' ? 2 : 1000), shape, dtype);
}
const dtypes = fc.constantFrom('float32', 'int32', 'bool');
const check = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, predicate), { numRuns: 60 });

describe.skipIf(!isBuilt)('kernels that copy', () => {
  it('transposes any shape by any permutation', async () => {
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        perm: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
        dtype: dtypes,
      }),
    );
    await check(cases, ({ shape, perm, dtype }) =>
      expectAsOnCpu(() => tf.transpose(tensorOf(shape, dtype), perm), exact),
    );
  });

  it.each([
    [
      [129, 517],
      [1, 0],
    ],
    [
      [2, 700],
      [1, 0],
    ],
    [
      [700, 2],
      [1, 0],
    ],
    [
      [3, 67, 35],
      [0, 2, 1],
    ],
    [
      [2, 7, 3, 64],
      [0, 2, 1, 3],
    ],
    [
      [2, 7, 3, 64],
      [0, 2, 3, 1],
    ],
    [
      [70, 2, 90],
      [2, 1, 0],
    ],
    [
      [0, 3],
      [1, 0],
    ],
  ])('transposes [%s] by [%s]', async (shape, perm) => {
    await expectAsOnCpu(() => tf.transpose(tensorOf(shape, 'float32'), perm), exact);
    await expectAsOnCpu(() => tf.transpose(tensorOf(shape, 'bool'), perm), exact);
  });

  it('slices any box', async () => {
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        begin: fc.tuple(...shape.map((n) => fc.integer({ min: 0, max: n - 1 }))),
        part: fc.tuple(...shape.map(() => fc.double({ min: 0, max: 1, noNaN: true }))),
        dtype: dtypes,
      }),
    );
    await check(cases, ({ shape, begin, part, dtype }) => {
      const size = begin.map((first, d) => Math.round(part[d] * (shape[d] - first)));
      return expectAsOnCpu(() => tf.slice(tensorOf(shape, dtype), begin, size), exact);
    });
    await expectAsOnCpu(() => tf.slice(tensorOf([300, 201], 'float32'), [1, 3], [-1, 150]), exact);
  });

  it('slices with steps, forwards and backwards', async () => {
    const x = () => tensorOf([7, 5, 6], 'float32');
    await expectAsOnCpu(
      () => [
        tf.stridedSlice(x(), [1, 0, 5], [6, 5, 0], [2, 1, -2]),
        tf.stridedSlice(x(), [0, 0, 0], [7, 5, 6], [1, 1, 1]),
        tf.stridedSlice(x(), [2], [6], [1]),
        tf.stridedSlice(x(), [0, 1], [0, 4], [1, 1], 0, 1, 0, 0, 2),
        tf.stridedSlice(x(), [3, 3, 3], [3, 4, 4], [1, 2, 1]),
        tf.reverse(x(), [0, 2]),
        tf.reverse(x()),
      ],
      exact,
    );
  });

  it('concatenates, stacks and takes apart again', async () => {
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.integer({ min: 0, max: shape.length - 1 }),
        sizes: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 }),
        dtype: dtypes,
      }),
    );
    await check(cases, ({ shape, axis, sizes, dtype }) =>
      expectAsOnCpu(() => {
        const parts = sizes.map((size, i) => tensorOf(shape.with(axis, size), dtype, i));
        return [
          tf.concat(parts, axis),
          ...tf.split(tensorOf(shape, dtype), [1, shape[axis] - 1], axis),
          ...tf.unstack(tensorOf(shape, dtype), axis),
          ...(shape.length < 6 ? [tf.stack([tensorOf(shape, dtype), tensorOf(shape, dtype, 9)], axis)] : []),
        ];
      }, exact),
    );
    await expectAsOnCpu(() => tf.concat([tensorOf([301, 70], 'float32'), tensorOf([301, 3], 'float32')], 1), exact);
    await expectAsOnCpu(() => tf.stack([tensorOf([3], 'int32'), tensorOf([3], 'int32')], -1), exact);
  });

  it('pads and tiles', async () => {
    const counts = fc.integer({ min: 0, max: 3 });
    const cases = shapes
      .filter((shape) => shape.length < 5)
      .chain((shape) =>
        fc.record({
          shape: fc.constant(shape),
          paddings: fc.tuple(...shape.map(() => fc.tuple(counts, counts))),
          reps: fc.tuple(...shape.map(() => counts)),
          dtype: fc.constantFrom('float32', 'int32'),
        }),
      );
    await check(cases, ({ shape, paddings, reps, dtype }) =>
      expectAsOnCpu(() => [tf.pad(tensorOf(shape, dtype), paddings, 3), tf.tile(tensorOf(shape, dtype), reps)], exact),
    );
    await expectAsOnCpu(() => tf.broadcastTo(tensorOf([1, 40, 1], 'float32'), [30, 40, 50]), exact);
    await expectAsOnCpu(() => tf.tile(tensorOf([2, 1, 2, 1, 2], 'bool'), [2, 3, 2, 3, 2]), exact);
  });

  it('has the gradients of the formulas', async () => {
    const ops: ((x: tf.Tensor) => tf.Tensor)[] = [
      (x) => tf.transpose(x, [2, 0, 1]),
      (x) => tf.slice(x, [1, 0, 2], [2, 3, 4]),
      (x) => tf.concat([x, tf.square(x)], 1),
      (x) => tf.stack([x, tf.square(x)], 2),
      (x) => tf.unstack(x, 1)[2],
      (x) => tf.split(x, 2, 0)[1],
      (x) =>
        tf.pad(x, [
          [1, 0],
          [0, 2],
          [3, 1],
        ]),
      (x) => tf.tile(x, [2, 1, 3]),
      (x) => tf.reverse(x, 1),
    ];
    for (const op of ops) {
      await expectAsOnCpu(() => tf.grad((x: tf.Tensor) => tf.mul(op(x), op(x)))(drawTensor(1, [4, 3, 7])));
    }
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() => [
      tf.transpose(drawTensor(1, [301, 207])),
      tf.transpose(drawTensor(1, [30, 20, 7, 16]), [0, 2, 1, 3]),
      tf.tile(drawTensor(1, [301, 20]), [3, 5]),
    ]);
  });
});
