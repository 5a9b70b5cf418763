import { selectBackend, tf } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { initNeumf, neumf, neumfLoss, neumfSchema } from './neumf.js';

/** Users 0, 2, 4 like even items and 1, 3, 5 odd ones; each lacks one of theirs. */
const sequences = packSequences(
  Array.from({ length: 6 }, (_, user) =>
    Int32Array.from({ length: 5 }, (_, i) => 2 * i + (user % 2)).filter((item) => item >> 1 !== user % 5),
  ),
);
const userIds = ['a', 'b', 'c', 'd', 'e', 'f'];
const data = { sequences, numItems: 10, userIds, fittedOn: 'train' } as const;
const training = { maxEpochs: 60, batchSize: 16, learningRate: 0.02, progressBar: false };
const small = { gmfWidth: 4, mlpWidth: 4, layers: [8, 4], negatives: 2 };

describe('NeuMF', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it.each([
    ['both', {}],
    ['gmf', {}],
    ['mlp', {}],
    ['both', { batchNorm: true, dropout: 0.2, activation: 'leakyrelu', regularization: 0.01 }],
  ])('knows its users by name, and strangers by the users who are like them (%s, %o)', async (branches, options) => {
    const recommender = await neumf.fit(data, { ...small, ...options, branches, training }, { seed: 1 });
    const known = await recommender.recommend(new Array(6).fill(new Int32Array(0)), 3, {
      maskHistory: false,
      users: userIds,
    });
    expect([...known.items].map((item) => item % 2)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    const strangers = [Int32Array.of(2, 4, 6), Int32Array.of(3, 5)];
    const { items } = await recommender.recommend(strangers, 2, { maskHistory: true });
    expect([...items].map((item) => item % 2)).toEqual([0, 0, 1, 1]);
  });

  it('gives somebody who did what one user did, and is compared with that one alone, the list of that user', async () => {
    const recommender = await neumf.fit(data, { ...small, neighbours: 1, training: { ...training, maxEpochs: 2 } });
    const history = sequences.items.subarray(sequences.offsets[2], sequences.offsets[3]);
    expect(await recommender.score([history])).toEqual(await recommender.score([history], { users: ['c'] }));
    // Nobody is like somebody who did nothing: that is the mean of all.
    const empty = await recommender.score([new Int32Array(0)]);
    for (const user of userIds) expect(empty).not.toEqual(await recommender.score([history], { users: [user] }));
  });

  it('adds half the squared norms of what a pair looks up', () => {
    const config = neumfSchema.parse(small);
    const params = initNeumf(config, 2, 3, 1);
    const batch = { users: Int32Array.of(1), met: Int32Array.of(0), unmet: Int32Array.of(2, 2) };
    const at = (regularization: number) => neumfLoss(params, batch, { ...config, regularization }).loss.dataSync()[0];
    const square = (table: tf.Tensor2D, row: number) => tf.sum(tf.square(tf.slice(table, row, 1))).dataSync()[0];
    const { gmf, mlp } = params;
    const pair = (item: number) =>
      [gmf!, mlp!].reduce((sum, { users, items }) => sum + square(users, 1) + square(items, item), 0);
    expect((at(100) - at(0)) / 100).toBeCloseTo((pair(0) + 2 * pair(2)) / 3 / 2, 5);
  });

  it('drops in training, by the key', () => {
    const config = neumfSchema.parse({ ...small, dropout: 0.5 });
    const params = initNeumf(config, 6, 10, 1);
    const wide = { ...params, mlp: { ...params.mlp!, users: tf.ones<tf.Rank.R2>([6, 4]) } };
    const batch = { users: Int32Array.of(1), met: Int32Array.of(0), unmet: Int32Array.of(2, 2) };
    const loss = (seed?: number) =>
      neumfLoss(wide, batch, config, seed === undefined ? undefined : createKey(seed, 'dropout')).loss.dataSync()[0];
    expect(loss(1)).toBe(loss(1));
    expect(new Set([loss(), loss(1), loss(2)]).size).toBe(3);
  });
});
