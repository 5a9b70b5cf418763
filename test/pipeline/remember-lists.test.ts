import type { Recommender } from '@codebeam/eval';
import { expect, it } from 'vitest';
import { rememberLists } from '../../pipelines/remember-lists.js';

it('asks for a list once, however many ask for it, and cuts it', async () => {
  const asked: [number[], number, boolean][] = [];
  const counting: Recommender = {
    name: 'counting',
    async recommend(histories, k, { maskHistory, users }) {
      asked.push([histories.map(([item]) => item), k, maskHistory]);
      expect(users).toEqual(histories.map(([item]) => `u${item}`));
      const items = Int32Array.from(
        { length: histories.length * k },
        (_, i) => histories[Math.floor(i / k)][0] + (i % k),
      );
      return { k, items, scores: Float32Array.from(items, (item) => -item) };
    },
  };
  const [one, two] = [Int32Array.of(10), Int32Array.of(20)];
  const remembering = rememberLists(counting, 3);
  const ask = async (histories: Int32Array[], k: number, maskHistory = true) => {
    const users = histories.map(([item]) => `u${item}`);
    const { items, scores } = await remembering.recommend(histories, k, { maskHistory, users });
    expect([...scores]).toEqual([...items].map((item) => -item));
    return [...items];
  };
  expect(await ask([one], 2)).toEqual([10, 11]);
  expect(await ask([two, one], 3)).toEqual([20, 21, 22, 10, 11, 12]);
  expect(await ask([one], 4)).toEqual([10, 11, 12, 13]);
  expect(await ask([two], 1, false)).toEqual([20]);
  expect(asked).toEqual([
    [[10], 3, true],
    [[20], 3, true],
    [[10], 4, true],
    [[20], 3, false],
  ]);
});
