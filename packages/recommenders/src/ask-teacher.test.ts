import { packSequences } from '@codebeam/data';
import { emptyRecommendations, type Recommender } from '@codebeam/eval';
import { describe, expect, it } from 'vitest';
import { askTeacher } from './ask-teacher.js';

/** Recommends the items after the last one, each half as probable as the one before; nothing after item 9. */
const following: Recommender = {
  name: 'following',
  async recommend(histories, k, { maskHistory }) {
    expect(maskHistory).toBe(true);
    const lists = emptyRecommendations(histories.length, k);
    for (const [row, history] of histories.entries()) {
      const last = history[history.length - 1];
      for (let place = 0; place < k && last + 1 + place <= 9; place++) {
        lists.items[row * k + place] = last + 1 + place;
        lists.scores[row * k + place] = -place * Math.LN2;
      }
    }
    return lists;
  },
};

describe('askTeacher', () => {
  it('asks for every prefix, and has its answers where the next item stands', async () => {
    const sequences = packSequences([[2, 7, 9, 3], [5], [8, 1]].map((items) => Int32Array.from(items)));
    const { items, cumulative } = await askTeacher(following, sequences, { size: 3, batchSize: 2 });
    const none = [
      [0, 0, 0],
      [0, 0, 0],
    ];
    const rows = Array.from({ length: 7 }, (_, place) =>
      [items, cumulative].map((values) => Array.from(values.subarray(3 * place, 3 * place + 3))),
    );
    const close = (...values: number[]) => values.map((value) => expect.closeTo(value, 6));
    expect(rows).toEqual([
      none,
      [[3, 4, 5], close(4 / 7, 6 / 7, 1)],
      [[8, 9, -1], close(2 / 3, 1, 1)],
      [
        [-1, -1, -1],
        [0, 0, 0],
      ],
      none,
      none,
      [[9, -1, -1], close(1, 1, 1)],
    ]);
  });
});
