import { tf } from '@codebeam/backend';
import { describe, it } from 'vitest';
import { drawTensor, expectAsOnCpu, expectSameBitsOnThreads, isBuilt } from '../../fixtures/ops.js';

const cases: [number[], number][] = [
  [[1], 0],
  [[5], 0],
  [[1001], 0],
  [[7, 1], 1],
  [[7, 16], 1],
  [[300, 257], 1],
  [[257, 300], 0],
  [[3, 5, 7], 1],
  [[4, 33, 2, 3], 1],
];

describe.skipIf(!isBuilt)('argMax and argMin', () => {
  it.each(cases)('of [%s] along %d are as on the cpu backend', async (shape, axis) => {
    for (const specials of [false, true]) {
      for (const seed of [1, 2, 3]) {
        await expectAsOnCpu(() => {
          const x = drawTensor(seed, shape, specials);
          return [tf.argMax(x, axis), tf.argMin(x, axis)];
        });
      }
    }
  });

  it('breaks ties toward the smaller place', async () => {
    await expectAsOnCpu(
      () => {
        const x = tf.round(drawTensor(1, [200, 70]));
        return [0, 1].flatMap((axis) => [tf.argMax(x, axis), tf.argMin(x, axis)]);
      },
      { others: ['Round'] },
    );
  });

  it('gives the same on any number of threads', async () => {
    await expectSameBitsOnThreads(() => [0, 1].map((axis) => tf.argMin(drawTensor(1, [301, 207]), axis)));
  });
});
