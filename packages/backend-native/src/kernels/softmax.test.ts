import { tf } from '@codebeam/backend';
import { describe, it } from 'vitest';
import { drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

describe.skipIf(!isBuilt)('softmax', () => {
  it.each([[[1]], [[7, 1]], [[5, 16]], [[3, 4, 33]], [[40, 1031]], [[2, 50_000]]])(
    'of [%s] is as on the cpu backend, with its gradient',
    async (shape) => {
      await expectAsOnCpu(() => tf.softmax(drawTensor(1, shape)));
      await expectAsOnCpu(() => tf.softmax(tf.mul(drawTensor(1, shape), 1000)));
      const gradient = tf.grad((x: tf.Tensor) => tf.square(tf.softmax(x)));
      await expectAsOnCpu(() => gradient(drawTensor(1, shape)), { relative: 1e-5 });
      await expectAsOnCpu(() => tf.grad((x: tf.Tensor) => tf.square(tf.logSoftmax(x)))(drawTensor(1, shape)), {
        relative: 1e-4,
        absolute: 1e-3,
      });
    },
  );

  it('makes a row NaN that holds NaN, infinity, or nothing but -infinity', async () => {
    const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high, NaN: no } = Number;
    await expectAsOnCpu(() =>
      tf.softmax(
        tf.tensor2d([
          [1, no, 2],
          [1, high, 2],
          [low, low, low],
          [1, low, 2],
        ]),
      ),
    );
  });

  it('gives the same bits on any number of threads', async () => {
    await expectSameBitsOnThreads(() => tf.softmax(drawTensor(1, [301, 207], true)));
  });
});
