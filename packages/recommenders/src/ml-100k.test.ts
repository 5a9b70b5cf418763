import { selectBackend } from '@codebeam/backend';
import {
  collectInteractions,
  type Interactions,
  numberById,
  orderByTime,
  readRecboleInteractions,
  splitInteractions,
  splitSchema,
} from '@codebeam/data';
import { presets, rankedLists, rankingMetrics } from '@codebeam/eval';
import { beforeAll, describe, expect, it } from 'vitest';
import { ease, mostPopular, neumf, type RecommenderModel } from './index.js';

const folder = process.env.CODEBEAM_DATA;

/** Each user's training items masked, ties by lower id, WarpRec's conventions: computed elsewhere in float64. */
describe.skipIf(!folder)('on MovieLens-100K (skipped unless CODEBEAM_DATA names a folder with the files)', () => {
  let train: Interactions;
  let test: Interactions;

  beforeAll(async () => {
    await selectBackend();
    const rows = await collectInteractions(readRecboleInteractions(`${folder}/ml-100k/ml-100k.inter.gz`));
    const split = splitInteractions(numberById(rows), splitSchema.parse({ type: 'temporal-holdout', ratio: 0.1 }), 1);
    train = split.train;
    test = split.test.open('evaluate');
  });

  async function metricsOf(model: RecommenderModel, options: object): Promise<Record<string, number>> {
    const sequences = orderByTime(train);
    const numItems = train.itemIds.length;
    const { userIds } = train;
    const recommender = await model.fit({ sequences, numItems, userIds, fittedOn: 'train' }, options);
    const histories = Array.from(train.userIds, (_, user) =>
      sequences.items.subarray(sequences.offsets[user], sequences.offsets[user + 1]),
    );
    const { items } = await recommender.recommend(histories, 10, { maskHistory: true, users: userIds });
    const { offsets, items: targets } = orderByTime(test);
    const input = { lists: rankedLists(items, 10), targets: { offsets, items: targets }, train: sequences, numItems };
    return rankingMetrics(input, presets.warprec, [10]).overall;
  }

  it('holds out a tenth of each user', () => {
    expect([train.users.length, test.users.length]).toEqual([89_561, 10_439]);
  });

  it('scores most-popular as computed elsewhere', async () => {
    expect(await metricsOf(mostPopular, {})).toMatchObject({
      'recall@10': expect.closeTo(0.072384, 4),
      'precision@10': expect.closeTo(0.067656, 4),
      'hitRate@10': expect.closeTo(0.408271, 4),
      'ndcg@10': expect.closeTo(0.085564, 4),
      'mrr@10': expect.closeTo(0.168671, 4),
      'map@10': expect.closeTo(0.039142, 4),
      'gini@10': expect.closeTo(0.98713, 4),
      'coverage@10': 78,
      'entropy@10': expect.closeTo(3.392887, 4),
    });
  });

  it('scores EASE as computed elsewhere', async () => {
    expect(await metricsOf(ease, { l2: 250 })).toMatchObject({
      'recall@10': expect.closeTo(0.136141, 4),
      'precision@10': expect.closeTo(0.108059, 4),
      'hitRate@10': expect.closeTo(0.574761, 4),
      'ndcg@10': expect.closeTo(0.152606, 4),
      'mrr@10': expect.closeTo(0.277731, 4),
      'map@10': expect.closeTo(0.079973, 4),
      'gini@10': expect.closeTo(0.907817, 4),
      'coverage@10': 453,
      'entropy@10': expect.closeTo(5.344379, 4),
    });
  });

  it('finds NeuMF ahead of most-popular after a few epochs', async () => {
    const { 'recall@10': recall, 'ndcg@10': ndcg } = await metricsOf(neumf, {
      training: { maxEpochs: 5, progressBar: false },
    });
    expect(recall).toBeGreaterThan(1.2 * 0.072384);
    expect(ndcg).toBeGreaterThan(1.2 * 0.085564);
  }, 600_000);
});
