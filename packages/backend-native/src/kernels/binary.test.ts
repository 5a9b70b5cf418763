import { tf } from '@codebeam/backend';
import { describe, expect, it } from 'vitest';
import { draw, drawIntegers, drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

const shapes: [number[], number[]][] = [
  [[], []],
  [[1], [1, 1]],
  [[0], [1]],
  [
    [3, 0],
    [3, 1],
  ],
  [[7], [7]],
  [[33], []],
  [[], [33]],
  [
    [5, 37],
    [5, 37],
  ],
  [[5, 37], [37]],
  [
    [5, 37],
    [5, 1],
  ],
  [
    [5, 1],
    [1, 37],
  ],
  [
    [1, 37],
    [5, 1],
  ],
  [
    [2, 3, 1, 5],
    [3, 4, 1],
  ],
  [
    [2, 1, 3, 1, 2, 3],
    [1, 2, 1, 4, 1, 3],
  ],
  // Larger than a chunk of work, with rows that do not divide it.
  [[137, 251], [251]],
  [
    [137, 251],
    [137, 1],
  ],
  [[40_000], [40_000]],
];

const ops = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  maximum: tf.maximum,
  minimum: tf.minimum,
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
  equal: tf.equal,
  notEqual: tf.notEqual,
} as const;

describe.skipIf(!isBuilt)('binary kernels', () => {
  it.each(Object.entries({ ...ops, div: tf.div, squaredDifference: tf.squaredDifference }))(
    '%s broadcasts as on the cpu backend, special values too',
    async (_, op) => {
      for (const [a, b] of shapes) {
        for (const specials of [false, true]) {
          await expectAsOnCpu(() => op(drawTensor(1, a, specials), drawTensor(2, b, specials)) as tf.Tensor);
        }
      }
    },
  );

  it.each(Object.entries({ ...ops, floorDiv: tf.floorDiv }))(
    '%s of whole numbers as on the cpu backend',
    async (_, op) => {
      const a = [...drawIntegers(1, 31, 100), 0, 5, -7, 2 ** 31 - 1, -(2 ** 31), 123456789];
      const b = [...drawIntegers(2, 31, 100), 0, 0, 2, 2, -1, 987654321];
      await expectAsOnCpu(() => op(tf.tensor1d(a, 'int32'), tf.tensor1d(b, 'int32')) as tf.Tensor);
    },
  );

  it('powers as on the cpu backend', async () => {
    const { POSITIVE_INFINITY: high, NEGATIVE_INFINITY: low, NaN: no } = Number;
    const bases = [0, -0, 1, -1, 2, 0.5, -3, high, low, no];
    const exponents = [0, -0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, high, low, no];
    await expectAsOnCpu(() => tf.pow(tf.tensor2d(bases, [10, 1]), tf.tensor1d(exponents)));
    await expectAsOnCpu(() => tf.pow(tf.abs(drawTensor(1, [5, 37])), drawTensor(2, [37])));
    await expectAsOnCpu(() => tf.pow(tf.tensor1d([3, 4], 'int32'), tf.scalar(2, 'int32')), { others: ['Pow'] });
  });

  it('logical ops as on the cpu backend', async () => {
    const tensors = () => [tf.tensor1d([0, 0, 1, 1], 'bool'), tf.tensor2d([[1], [0]], [2, 1], 'bool')] as const;
    await expectAsOnCpu(() => [tf.logicalAnd(...tensors()), tf.logicalOr(...tensors()), tf.logicalNot(tensors()[0])]);
  });

  it('leaves other types to the cpu kernels', async () => {
    const mixed = () => tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([0.5, 0.25]));
    await expectAsOnCpu(mixed);
    const bools = () => tf.add(tf.tensor1d([0, 1], 'bool'), tf.tensor1d([1, 1], 'bool'));
    await expectAsOnCpu(bools, { others: ['Add'] });
    const whole = () => tf.squaredDifference(tf.tensor1d([3, -4], 'int32'), tf.scalar(1, 'int32'));
    await expectAsOnCpu(whole, { others: ['SquaredDifference'] });
  });

  it.each([1, 2, 3, 32, 33, 70])('adds %d tensors in order', async (count) => {
    await expectAsOnCpu(() => tf.addN(Array.from({ length: count }, (_, i) => drawTensor(i, [3, 11], i === 5))), {
      relative: 0,
      absolute: 0,
    });
  });

  it('has the gradients of the formulas, summed over broadcast dimensions', async () => {
    const compare = (op: typeof tf.add, a: number[], b: number[]) => {
      const gradients = tf.grads((x: tf.Tensor, y: tf.Tensor) => op(x, y));
      return expectAsOnCpu(() => gradients([drawTensor(1, a), drawTensor(2, b)]), { relative: 1e-5, absolute: 1e-5 });
    };
    for (const [a, b] of shapes.filter(([a]) => tf.util.sizeFromShape(a) > 0).slice(0, -3)) {
      for (const op of [tf.add, tf.sub, tf.mul, tf.div]) await compare(op, a, b);
    }
    // TensorFlow.js does not sum the gradients of these over broadcast dimensions.
    for (const op of [tf.squaredDifference, tf.maximum, tf.minimum]) await compare(op, [5, 37], [5, 37]);
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() => [
      tf.mul(drawTensor(1, [301, 207], true), drawTensor(2, [207])),
      tf.addN([drawTensor(1, [301, 207]), drawTensor(2, [301, 207])]),
    ]);
  });

  it('reads tensors that begin anywhere in memory', async () => {
    // A slice of the cpu backend's is a view; here it must be a tensor of its own.
    const x = draw(3, 50);
    for (const begin of [1, 2, 3]) {
      await expectAsOnCpu(() => tf.add(tf.slice1d(tf.tensor1d(x), begin, 30), 1), { others: ['Slice'] });
    }
    expect(x.length).toBe(50);
  });
});
