import type { Interactions } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
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
    userIds: ['a', 'b', 'c', 'd'],
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
      for (let i = 0; i < k; i++) {
        lists.items[row * k + i] = (history[history.length - 1] + 1 + i) % numItems;
        lists.scores[row * k + i] = -i;
      }
    }
    return lists;
  },
};
/** The same, ten seconds on. */
const later = (part: Interactions) => ({ ...part, timestamps: part.timestamps.map((time) => time + 10) });
const known = interactions([0, 1], [1, 4], [0, 2], [2, 9]);
const heldOut = interactions([0, 3], [1, 6]);

it('asks for those with something held out, after all that is known of them', async () => {
  const judgement = judgementOf(known, heldOut, judgementSchema.parse({ ks: [1, 2] }), 1);
  expect(judgement.userIds).toEqual(['a', 'b']);
  const { overall } = await judgeLists(next, judgement);
  expect(overall).toMatchObject({ 'recall@1': 0.5, 'recall@2': 1, 'mrr@2': 0.75 });
});

it.each(['held-out-items', 'next-item'] as const)('counts popularity on all of training, once: %s', async (task) => {
  // Item 5 is known to three users, one of whom is never asked; the two who are asked are shown 5 and 6.
  const training = interactions([0, 5], [1, 5], [2, 5], [0, 4], [1, 4], [2, 6]);
  const test = interactions([0, 7], [1, 8]);
  const config = judgementSchema.parse({ task, ks: [2] });
  const { overall } = await judgeLists(next, judgementOf(training, later(test), config, 1));
  expect(overall['arp@2']).toBe((1 + 1) / 2); // items 6 and 7, masks taken: 5 and 4 are seen
  const unmasked = judgementSchema.parse({ task, mask: 'none', ks: [2] });
  const { overall: shown } = await judgeLists(next, judgementOf(training, later(test), unmasked, 1));
  expect(shown['arp@2']).toBe((3 + 1) / 2);
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

describe('the next item', () => {
  const config = judgementSchema.parse({ task: 'next-item', preset: 'gru4rec', ks: [1, 2] });

  it('is asked for after every row before it, held out or not, but not before the first', async () => {
    const sessions = interactions([0, 3], [1, 6], [1, 7], [3, 20], [3, 21]);
    const judgement = judgementOf(known, later(sessions), config, 1);
    const { offsets, items } = judgement.histories;
    expect(judgement.userIds.map((id, row) => `${id}: ${items.slice(offsets[row], offsets[row + 1])}`)).toEqual([
      'a: 1,2',
      'b: 4',
      'b: 4,6',
      'd: 20',
    ]);
    const { overall, perUser } = await judgeLists(next, judgement);
    expect(perUser['recall@1']).toEqual(Float64Array.of(1, 0, 1, 1));
    expect(overall).toEqual({ 'recall@1': 3 / 4, 'recall@2': 1, 'mrr@1': 3 / 4, 'mrr@2': 3.5 / 4 });
  });

  it('knows nothing of what comes later', () => {
    const early = { ...interactions([0, 8], [0, 9]), timestamps: Float64Array.of(-2, 1) };
    const { histories, targets } = judgementOf(known, early, config, 1);
    expect([histories.items, targets.items]).toEqual([Int32Array.of(8, 1), Int32Array.of(9)]);
  });
});
