import { selectBackend, tf } from '@codebeam/backend';
import { beforeEach, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { adagrad } from './adagrad.js';
import { adamw } from './adamw.js';
import type { NamedTensors, Optimizer } from './optimizer.js';

const numbers = async (tensors: NamedTensors) =>
  Object.fromEntries(
    await Promise.all(Object.entries(tensors).map(async ([name, x]) => [name, Array.from(await x.data())] as const)),
  );

/** Runs an optimizer over gradients of a [1, 2] matrix and returns the matrix after each step. */
async function trace(optimizer: Optimizer, start: number[], gradients: number[][]): Promise<number[][]> {
  let params: NamedTensors = { w: tf.tensor2d([start]) };
  let moments = optimizer.init(params);
  const result: number[][] = [];
  for (const [i, gradient] of gradients.entries()) {
    const at = { step: i + 1, learningRate: optimizer.learningRate };
    ({ params, moments } = optimizer.update(params, { w: tf.tensor2d([gradient]) }, moments, at));
    result.push((await numbers(params)).w);
  }
  return result;
}

/** Loshchilov & Hutter 2019, algorithm 2, written out in float64. */
function referenceAdamw(start: number[], gradients: number[][], rate: number, decay: number): number[][] {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const m = start.map(() => 0);
  const v = start.map(() => 0);
  let w = start;
  return gradients.map((g, t) => {
    w = w.map((x, i) => {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
      const mHat = m[i] / (1 - beta1 ** (t + 1));
      const vHat = v[i] / (1 - beta2 ** (t + 1));
      return x - rate * (mHat / (Math.sqrt(vHat) + epsilon)) - rate * decay * x;
    });
    return w;
  });
}

const gradients = [
  [1, -2],
  [0.5, 3],
  [-4, 1e-4],
  [0, 1],
  [2, 2],
];

describe.each(backends)('on %s', (backend) => {
  beforeEach(async () => {
    await selectBackend(backend);
  });

  it('adamw follows the published algorithm', async () => {
    const found = await trace(adamw({ learningRate: 0.1, weightDecay: 0.2 }), [1, -1], gradients);
    const expected = referenceAdamw([1, -1], gradients, 0.1, 0.2);
    found.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(expected.flat()[i], 5);
    });
  });

  it('adamw moves by the learning rate in its first step, whatever the size of the gradient', async () => {
    const [first] = await trace(adamw({ learningRate: 0.1 }), [1, 1], [[1000, -0.001]]);
    expect(first).toEqual([expect.closeTo(0.9, 5), expect.closeTo(1.1, 4)]);
  });

  it('adamw decays matrices but neither vectors nor scalars', async () => {
    const optimizer = adamw({ learningRate: 0.1, weightDecay: 1 });
    const params = { matrix: tf.ones([1, 1]), bias: tf.ones([1]), scale: tf.scalar(1) };
    const still = { matrix: tf.zeros([1, 1]), bias: tf.zeros([1]), scale: tf.scalar(0) };
    const at = { step: 1, learningRate: 0.1 };
    const updated = optimizer.update(params, still, optimizer.init(params), at);
    expect(await numbers(updated.params)).toEqual({ matrix: [expect.closeTo(0.9, 6)], bias: [1], scale: [1] });
  });

  it('adagrad divides by the root of the summed squares', async () => {
    // 1 - 0.4 * 3/3 = 0.6, then 0.6 - 0.4 * 4/5 = 0.28.
    const found = await trace(
      adagrad({ learningRate: 0.4 }),
      [1, 0],
      [
        [3, 0],
        [4, 0],
      ],
    );
    expect(found).toEqual([
      [expect.closeTo(0.6, 6), 0],
      [expect.closeTo(0.28, 6), 0],
    ]);
  });

  it('adagrad begins its sum where it is told, and makes a share of the last change again', async () => {
    // Sums 7 + 9 = 16, then 16 + 9 = 25: changes .4 * 3/4 = .3, then .4 * 3/5 + .5 * .3 = .39.
    const optimizer = adagrad({ learningRate: 0.4, initialSquares: 7, momentum: 0.5 });
    const found = await trace(
      optimizer,
      [1, 0],
      [
        [3, 0],
        [3, 0],
      ],
    );
    expect(found.map(([w]) => w)).toEqual([expect.closeTo(0.7, 6), expect.closeTo(0.31, 6)]);
  });

  it.each([adamw({ learningRate: 0.1, weightDecay: 0.1 }), adagrad({ learningRate: 0.1 })])(
    'scales the gradients as it is told (%#)',
    async (optimizer) => {
      const params = { w: tf.tensor2d([[1, -2]]) };
      const scaled = (values: number[], gradientScale?: tf.Scalar) =>
        optimizer.update(params, { w: tf.tensor2d([values]) }, optimizer.init(params), {
          step: 1,
          learningRate: 0.1,
          gradientScale,
        });
      const [found, expected] = [scaled([3, -4], tf.scalar(0.5)), scaled([1.5, -2])];
      expect(await numbers(found.moments)).toEqual(await numbers(expected.moments));
      expect(await numbers(found.params)).toEqual(await numbers(expected.params));
    },
  );

  it.each([adamw({ learningRate: 0.1, weightDecay: 0.1 }), adagrad({ learningRate: 0.1 })])(
    'makes no tensors but those it returns (%#)',
    (optimizer) => {
      const params = { w: tf.ones([2, 2]) };
      const moments = optimizer.init(params);
      const gradients = { w: tf.ones([2, 2]) };
      const before = tf.memory().numTensors;
      const updated = optimizer.update(params, gradients, moments, { step: 1, learningRate: 0.1 });
      expect(tf.memory().numTensors - before).toBe(1 + Object.keys(updated.moments).length);
    },
  );
});
