import { selectBackend, tf } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { initSasrec, lastOutputs, sasrec, sasrecBatches, sasrecForward, sasrecLoss, sasrecSchema } from './index.js';

const config = sasrecSchema.parse({ modelWidth: 8, layers: 2, heads: 2, dropout: 0, maxHistory: 4 });
const histories = [[3, 1, 4], [1], [5, 2, 0, 6]].map((items) => Int32Array.from(items));
const packed = { items: Int32Array.of(3, 1, 4, 1, 5, 2, 0, 6), offsets: Int32Array.of(0, 3, 4, 8) };

describe('SASRec', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('is a function of the seed', async () => {
    const [one, same, other] = [1, 1, 2].map((seed) => initSasrec(config, 7, seed).items.dataSync());
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('sees neither what comes later nor what stands in other histories', async () => {
    const params = initSasrec(config, 7, 1);
    const whole = await sasrecForward(params, packed, config).array();
    const changed = { ...packed, items: Int32Array.of(3, 1, 5, 6, 5, 2, 0, 1) };
    const after = await sasrecForward(params, changed, config).array();
    for (const row of [0, 1, 4, 5, 6]) {
      for (const [i, x] of whole[row].entries()) expect(after[row][i]).toBeCloseTo(x, 5);
    }
    for (const row of [2, 3, 7]) expect(after[row]).not.toEqual(whole[row]);
  });

  it('reads the last items of a longer history, and nothing of an empty one', async () => {
    const params = initSasrec(config, 7, 1);
    const long = [Int32Array.of(1, 1, ...histories[2]), histories[2], new Int32Array(0)];
    const [cut, same, empty] = await lastOutputs(params, long, config).array();
    expect(cut).toEqual(same);
    expect(empty).toEqual(Array(8).fill(0));
  });

  it('starts near the loss of guessing, and its gradient is that of finite differences', async () => {
    const params = initSasrec(config, 7, 1);
    const targets = Int32Array.of(1, 4, 0, 2, 2, 0, 6, 3);
    const at = (items: tf.Tensor2D) => sasrecLoss({ ...params, items }, packed, targets, config);
    expect(at(params.items).dataSync()[0]).toBeLessThan(2 * Math.log(7));
    const direction = tf.randomNormal<tf.Rank.R2>([7, 8], 0, 1, 'float32', 3);
    const gradient = tf.grad((items: tf.Tensor) => at(items as tf.Tensor2D))(params.items);
    const slope = tf.sum(tf.mul(gradient, direction)).dataSync()[0];
    const step = 1e-3;
    const [up, down] = [step, -step].map(
      (h) => at(tf.add(params.items, tf.mul(direction, h)) as tf.Tensor2D).dataSync()[0],
    );
    expect((up - down) / (2 * step)).toBeCloseTo(slope, 2);
  });

  it('drops differently at each step and not at all in inference', async () => {
    const params = initSasrec(config, 7, 1);
    const noisy = { ...config, dropout: 0.5 };
    const targets = Int32Array.of(1, 4, 0, 2, 2, 0, 6, 3);
    const loss = (seed?: number) =>
      sasrecLoss(
        params,
        packed,
        targets,
        noisy,
        seed === undefined ? undefined : createKey(seed, 'dropout'),
      ).dataSync()[0];
    expect(loss(1)).toBe(loss(1));
    expect(loss(1)).not.toBe(loss(2));
    expect(loss()).toBeCloseTo(sasrecLoss(params, packed, targets, config).dataSync()[0], 6);
  });

  describe('samples', () => {
    const sequences = packSequences(
      [
        [0, 1, 2],
        [3, 4, 3, 3],
        [0, 1, 2, 3, 4, 5],
      ].map((items) => Int32Array.from(items)),
    );
    const epoch = (options: object, key = 1) =>
      sasrecBatches(
        { sequences, numItems: 6 },
        { ...config, maxHistory: 9, batchSize: 2, key: createKey(key, 'shuffle'), ...options },
      );

    it('bce: one item for each target that its user has not met', () => {
      const drawn = [0, 1].map(() => new Set<number>());
      for (let key = 0; key < 20; key++) {
        for (const { histories, targets, users, samples } of epoch({ loss: 'bce' }, key)) {
          expect([samples!.count, samples!.negatives.length]).toEqual([1, targets.length]);
          const owners = histories.flatMap(({ length }, i) => new Array<number>(length).fill(users[i]));
          for (const [i, item] of samples!.negatives.entries()) {
            if (owners[i] < 2) drawn[owners[i]].add(item);
            else expect(item).not.toBe(targets[i]); // who has met everything
          }
        }
      }
      expect(drawn.map((items) => [...items].sort())).toEqual([
        [3, 4, 5],
        [0, 1, 2, 5],
      ]);
      expect(() => [
        ...sasrecBatches(
          { sequences: packSequences([Int32Array.of(0, 0)]), numItems: 1 },
          { ...config, loss: 'bce', batchSize: 1, key: createKey(1, 'shuffle') },
        ),
      ]).toThrow('at least 2 items');
    });

    it('sampled-softmax: K of all targets, or of each, by popularity, with its logarithm', () => {
      const loss = 'sampled-softmax';
      for (const { targets, samples } of epoch({ loss, numSamples: 3 })) {
        expect([samples!.negatives.length, samples!.corrections]).toEqual([3, undefined]);
        expect(targets.length).toBeGreaterThan(1);
      }
      const own = { loss, numSamples: 500, sharedSamples: false, sampleAlpha: 1, logq: 0.5 };
      const counts = [2, 2, 2, 4, 2, 1]; // of 13
      const drawn = new Int32Array(6);
      for (const { targets, samples } of epoch(own)) {
        const { negatives, corrections } = samples!;
        expect(negatives.length).toBe(500 * targets.length);
        for (const item of negatives) drawn[item]++;
        expect([...corrections!.targets]).toEqual(
          Array.from(targets, (item) => Math.fround(Math.log(counts[item]) / 2)),
        );
        expect(corrections!.negatives[7]).toBe(Math.fround(Math.log(counts[negatives[7]]) / 2));
      }
      const total = drawn.reduce((sum, count) => sum + count, 0);
      expect(total).toBe(500 * 10);
      for (const [item, count] of drawn.entries())
        expect(Math.abs(count / total - counts[item] / 13)).toBeLessThan(0.03);
    });

    it('are the same for the same key however often they are walked', () => {
      for (const loss of ['bce', 'sampled-softmax']) {
        const batches = epoch({ loss });
        expect([...batches]).toEqual([...batches]);
        expect([...epoch({ loss })]).not.toEqual([...epoch({ loss }, 2)]);
        expect([...epoch({ loss })].map(({ samples: _, ...rest }) => rest)).toEqual([...epoch({})]);
      }
    });

    it('of the whole catalogue give the loss of the softmax over it', () => {
      const params = initSasrec(config, 7, 1);
      const targets = Int32Array.of(1, 4, 0, 2, 2, 0, 6, 3);
      const all = { count: 7, negatives: Int32Array.from({ length: 7 }, (_, item) => item) };
      const sampled = { ...config, loss: 'sampled-softmax' as const };
      const expected = sasrecLoss(params, packed, targets, config).dataSync()[0];
      expect(sasrecLoss(params, packed, targets, sampled, undefined, all).dataSync()[0]).toBeCloseTo(expected, 5);
    });
  });

  it.each([
    {},
    { loss: 'bce' },
    { loss: 'sampled-softmax', numSamples: 4, sampleAlpha: 0.5, logq: 1 },
    { loss: 'sampled-softmax', numSamples: 4, sharedSamples: false },
  ])('learns the order of a ring, by the same steps for the same seed (%o)', async (options) => {
    const length = 6;
    const sequences = {
      offsets: Int32Array.from({ length: 11 }, (_, user) => user * length),
      items: Int32Array.from({ length: 10 * length }, (_, i) => (Math.floor(i / length) + (i % length)) % 10),
    };
    const training = { maxEpochs: 60, batchSize: 4, learningRate: 5e-3, progressBar: false };
    const learn = () =>
      sasrec.fit({ sequences, numItems: 10, fittedOn: 'train' }, { ...config, ...options, training }, { seed: 1 });
    const histories = [Int32Array.of(2, 3), Int32Array.of(8, 9)];
    const recommender = await learn();
    const { items } = await recommender.recommend(histories, 1, { maskHistory: true });
    expect([...items]).toEqual([4, 0]);
    expect(await (await learn()).score(histories)).toEqual(await recommender.score(histories));
  });
});
