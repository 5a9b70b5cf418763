import { selectBackend, tf } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { beforeAll, describe, expect, it } from 'vitest';
import { bprLoss, bprMf } from './bpr-mf.js';

describe('BPR-MF', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('has the loss of the definition', () => {
    const loss = bprLoss(tf.tensor2d([1, 1, 2, 2], [2, 2]), tf.tensor2d([0.5, 1.5, 0, -1], [2, 2]));
    expect(loss.dataSync()[0]).toBeCloseTo(0.405917, 6);
  });

  it('knows its users by name, and has lists for those that it does not know', async () => {
    const odd = (item: number) => Int32Array.from({ length: 5 }, (_, i) => 2 * i + item);
    const sequences = packSequences(
      [0, 1, 0, 1, 0, 1].map((parity, user) => odd(parity).filter((item) => item >> 1 !== user % 5)),
    );
    const userIds = ['a', 'b', 'c', 'd', 'e', 'f'];
    const options = { factors: 8, training: { maxEpochs: 60, batchSize: 8, progressBar: false } };
    const recommender = await bprMf.fit({ sequences, numItems: 10, userIds, fittedOn: 'train' }, options, { seed: 1 });
    const known = await recommender.recommendToUsers(userIds, 1);
    expect([...known.items].map((item) => item % 2)).toEqual([0, 1, 0, 1, 0, 1]);
    const stranger = await recommender.recommend([Int32Array.of(2, 4, 6)], 2, { maskHistory: true });
    expect([...stranger.items].map((item) => item % 2)).toEqual([0, 0]);
  });
});
