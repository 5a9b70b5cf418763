import type { Interactions } from '@codebeam/data';
import { expect, it } from 'vitest';
import {
  emptyRecommendations,
  judgedMetrics,
  judgeLists,
  judgementOf,
  judgementSchema,
  presetNames,
  type Recommender,
} from './index.js';

const numItems = 30;

/** Rows of (user, item), in order of time. */
function interactions(...rows: [user: number, item: number][]): Interactions {
  return {
    users: Int32Array.from(rows, ([user]) => user),
    items: Int32Array.from(rows, ([, item]) => item),
    timestamps: Float64Array.from(rows.keys()),
    userIds: ['a', 'b', 'c'],
    itemIds: Array.from({ length: numItems }, (_, item) => `i${item}`),
  };
}

/** Goes on from the last item, and writes down how long its lists are asked to be. */
const asked: number[] = [];
const next: Recommender = {
  name: 'next',
  async recommend(histories, k) {
    asked.push(k);
    const lists = emptyRecommendations(histories.length, k);
    for (const [row, history] of histories.entries()) {
      for (let i = 0; i < k; i++) lists.items[row * k + i] = (history[history.length - 1] + 1 + i) % numItems;
    }
    return lists;
  },
};
const known = interactions([0, 1], [1, 4], [0, 2], [2, 9]);
const heldOut = interactions([0, 3], [1, 6]);

it('asks for those with something held out, after all that is known of them', async () => {
  const judgement = judgementOf(known, heldOut, judgementSchema.parse({ ks: [1, 2] }), 1);
  expect(judgement.userIds).toEqual(['a', 'b']);
  const { overall } = await judgeLists(next, judgement);
  expect(overall).toMatchObject({ 'recall@1': 0.5, 'recall@2': 1, 'mrr@2': 0.75 });
});

it.each(presetNames)('measures what it says it will, by %s', async (preset) => {
  const config = judgementSchema.parse({ preset, ks: [2, 3] });
  const { overall } = await judgeLists(next, judgementOf(known, heldOut, config, 1));
  const told = Object.keys(overall).filter((metric) => !['mae', 'mse', 'rmse'].includes(metric));
  expect(judgedMetrics(config).sort()).toEqual(told.sort());
});

it('asks for whole lists only where an area under the curve is wanted', async () => {
  asked.length = 0;
  for (const preset of ['warprec', 'recbole'] as const) {
    await judgeLists(next, judgementOf(known, heldOut, judgementSchema.parse({ preset, ks: [2, 3] }), 1));
  }
  expect(asked).toEqual([numItems, 3]);
});
