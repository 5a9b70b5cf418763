import { selectBackend, softmaxCrossEntropy, tf } from '@codebeam/backend';
import { createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import {
  batchNorm,
  batchNormInTraining,
  countParams,
  createDropout,
  flattenParams,
  initBatchNorm,
  initMlp,
  isRunningAverage,
  mapParams,
  mlp,
  mlpInTraining,
  noDropout,
  relativePositionBucket,
  rmsNorm,
  unflattenParams,
} from './index.js';

const key = createKey(1, 'init');

describe('parameter trees', () => {
  const tree = { first: [{ weight: tf.ones([2]) }, { weight: tf.ones([3, 2]) }], last: tf.scalar(1) };

  it('names tensors by their path, in order', () => {
    expect(Object.keys(flattenParams(tree))).toEqual(['first.0.weight', 'first.1.weight', 'last']);
    expect(unflattenParams(flattenParams(tree))).toEqual(tree);
    expect(countParams(tree)).toBe(9);
  });

  it('keeps the shape of the tree when mapped', () => {
    const doubled = mapParams(tree, (tensor) => tf.mul(tensor, 2));
    expect(doubled.first[1].weight.shape).toEqual([3, 2]);
    expect(doubled.last.dataSync()[0]).toBe(2);
  });

  it('refuses what is not a tensor', () => {
    expect(() => flattenParams({ bad: undefined } as never)).toThrow(
      'nn: parameter bad must be a tensor, got undefined',
    );
  });
});

describe('relativePositionBucket', () => {
  // Values of the T5 reference implementation for 32 buckets and distance 128.
  it('is exact near by, logarithmic farther off, and tells directions apart', () => {
    const both = { buckets: 32, maxDistance: 128, bidirectional: true };
    const bucket = (distance: number) => relativePositionBucket(distance, both);
    expect([0, -1, -7, -8, -11, -12, -16, -127, -500].map(bucket)).toEqual([0, 1, 7, 8, 8, 9, 10, 15, 15]);
    expect([1, 7, 8, 127].map(bucket)).toEqual([17, 23, 24, 31]);
  });

  it('puts everything to come into bucket 0 when it looks back only', () => {
    const back = { buckets: 32, maxDistance: 128, bidirectional: false };
    expect([5, 0, -1, -15, -16, -128].map((distance) => relativePositionBucket(distance, back))).toEqual([
      0, 0, 1, 15, 16, 31,
    ]);
  });
});

describe('relativePositionBucket of a short maxDistance', () => {
  it.each([4, 5, 8])('shares the last bucket from %i on, and is exact before', (maxDistance) => {
    const positions = { buckets: 32, maxDistance, bidirectional: true };
    for (let distance = 0; distance <= 60; distance++) {
      const back = distance < maxDistance ? distance : 15;
      expect(relativePositionBucket(-distance, positions)).toBe(back);
      if (distance > 0) expect(relativePositionBucket(distance, positions)).toBe(16 + back);
    }
  });

  it('shares it from there on where it looks back only, too', () => {
    const back = { buckets: 32, maxDistance: 10, bidirectional: false };
    expect([-9, -10, -16, -60].map((distance) => relativePositionBucket(distance, back))).toEqual([9, 31, 31, 31]);
  });
});

describe.each(backends)('layers on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  it('mlp applies ReLU between layers and not after the last', async () => {
    const layers = [
      { weight: tf.tensor2d([[1, -1]]), bias: tf.tensor1d([0, 0]) },
      { weight: tf.tensor2d([[-1], [-1]]), bias: tf.tensor1d([0]) },
    ];
    expect(Array.from(await mlp(layers, tf.tensor2d([[2], [-3]])).data())).toEqual([-2, -3]);
    expect(initMlp(key, [4, 3, 2]).map(({ weight }) => weight.shape)).toEqual([
      [4, 3],
      [3, 2],
    ]);
  });

  it.each([
    ['relu', [0, 2]],
    ['leakyrelu', [-0.01, 2]],
    ['tanh', [Math.tanh(-1), Math.tanh(2)]],
    ['sigmoid', [1 / (1 + Math.E), 1 / (1 + Math.exp(-2))]],
  ] as const)('mlp applies %s between layers, and after the last where asked to', async (activation, expected) => {
    const layers = [{ weight: tf.eye(2), bias: tf.tensor1d([-2, 0]) }];
    const x = tf.tensor2d([[1, 2]]);
    expect(Array.from(await mlp(layers, x, { activation }).data())).toEqual([-1, 2]);
    const activated = await mlp(layers, x, { activation, activateLast: true }).data();
    for (const [i, value] of expected.entries()) expect(activated[i]).toBeCloseTo(value, 6);
    const twice = [...layers, { weight: tf.eye(2), bias: tf.tensor1d([0, 0]) }];
    expect(Array.from(await mlp(twice, x, { activation }).data())).toEqual(Array.from(activated));
  });

  it('mlp in training is that of inference with what it drops left out', async () => {
    const layers = initMlp(key, [6, 5, 4]);
    const x = tf.tensor2d(
      Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      [2, 6],
    );
    const { output, updates } = mlpInTraining(layers, x, noDropout, { activation: 'tanh' });
    expect(updates).toEqual({});
    const [learnt, asked] = [await output.data(), await mlp(layers, x, { activation: 'tanh' }).data()];
    expect(learnt).toEqual(asked);
    const dropped = mlpInTraining(layers, x, createDropout(0.5, key), { activation: 'tanh' }).output;
    expect(await dropped.data()).not.toEqual(asked);
  });

  it('batchNorm goes by the batch in training and by what was seen in training afterwards', async () => {
    const x = tf.tensor2d([1, 10, 3, 30], [2, 2]);
    let norm = initBatchNorm(2);
    const first = batchNormInTraining(norm, x);
    // Means 2 and 20, variances 1 and 100; as samples of more they are 2 and 200.
    for (const [i, value] of [-1, -1, 1, 1].entries()) expect((await first.output.data())[i]).toBeCloseTo(value, 4);
    expect(Array.from(await first.updates.runningMean.data())).toEqual([0.2, 2].map((mean) => expect.closeTo(mean, 5)));
    const variances = [0.9 + 0.2, 0.9 + 20].map((variance) => expect.closeTo(variance, 4));
    expect(Array.from(await first.updates.runningVariance.data())).toEqual(variances);
    for (let step = 0; step < 200; step++) norm = { ...norm, ...batchNormInTraining(norm, x).updates };
    const after = await batchNorm(norm, x).data();
    for (const [i, value] of [-1, -1, 1, 1].entries()) expect(after[i]).toBeCloseTo(value * Math.SQRT1_2, 3);
    expect(() => batchNormInTraining(norm, tf.ones([1, 2]))).toThrow('nn: a batch must have at least 2 rows');
    expect(Object.keys(flattenParams({ norm })).filter(isRunningAverage)).toEqual([
      'norm.runningMean',
      'norm.runningVariance',
    ]);
  });

  it('rmsNorm divides by the root mean square', async () => {
    const y = await rmsNorm({ weight: tf.tensor1d([1, 2]) }, tf.tensor2d([[3, 4]])).data();
    const rms = Math.sqrt(12.5);
    expect(y[0]).toBeCloseTo(3 / rms, 5);
    expect(y[1]).toBeCloseTo(8 / rms, 5);
  });

  it('drops other elements at each call of one pass, and the same in the next pass with the same key', async () => {
    const pass = async () => {
      const dropout = createDropout(0.5, createKey(1, 'dropout'));
      return [await dropout(tf.ones([32])).data(), await dropout(tf.ones([32])).data()];
    };
    const [first, second] = await pass();
    expect(first).not.toEqual(second);
    expect(await pass()).toEqual([first, second]);
  });

  it('softmaxCrossEntropy gives -log p and the gradient (p - onehot) / R', async () => {
    const logits = tf.tensor2d([
      [0, Math.log(3)],
      [0, 0],
    ]);
    const labels = tf.tensor1d([1, 0], 'int32');
    const classes = tf.eye(2); // the hidden vectors are the logits
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => softmaxCrossEntropy(x as tf.Tensor2D, classes, labels))(
      logits,
    );
    expect((await value.data())[0]).toBeCloseTo((Math.log(4 / 3) + Math.log(2)) / 2, 6);
    const expected = [0.125, -0.125, -0.25, 0.25];
    for (const [i, g] of (await grad.data()).entries()) expect(g).toBeCloseTo(expected[i], 6);
  });
});
