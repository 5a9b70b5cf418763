import { describe, expect, it } from 'vitest';
import { coOccurrence } from './index.js';

// C[0] = {1: 1, 2: 1/2, 3: 1/3}, C[1] = {2: 1, 3: 1/2}, C[2] = {3: 1}; item 4 occurs alone.
const sequences = { offsets: Int32Array.of(0, 4, 5), items: Int32Array.of(0, 1, 2, 3, 4) };

async function recommend(history: number[], options = {}, maskHistory = true) {
  const recommender = await coOccurrence.fit({ sequences, numItems: 5, fittedOn: 'train' }, options);
  const { items, scores } = await recommender.recommend([Int32Array.from(history)], 5, { maskHistory });
  return { items: [...items], scores: [...scores].map((score) => Math.round(score * 1000) / 1000) };
}

describe('co-occurrence', () => {
  it('adds 1/distance for what follows, and halves the weight of each older item of the history', async () => {
    // 2: 1 + .5 * 1/2 = 1.25; 3: 1/2 + .5 * 1/3 = .667; 4 by popularity.
    expect(await recommend([0, 1])).toEqual({
      items: [2, 3, 4, -1, -1],
      scores: [1.25, 0.667, -0.5, -Infinity, -Infinity],
    });
  });

  it('may recommend what the history holds when it is not masked', async () => {
    expect((await recommend([0, 1], {}, false)).items.slice(0, 3)).toEqual([2, 3, 1]);
  });

  it('breaks ties toward the lower item id', async () => {
    expect((await recommend([0, 2], { decay: 1, window: 1 })).items).toEqual([1, 3, 4, -1, -1]);
  });

  it('counts what came before as well when symmetric', async () => {
    expect((await recommend([3])).items).toEqual([0, 1, 2, 4, -1]); // nothing follows 3: by popularity
    expect((await recommend([3], { symmetric: true })).items).toEqual([2, 1, 0, 4, -1]);
  });

  it('ends the window after so many places, and at the end of a user', async () => {
    const { scores } = await recommend([0], { window: 2 });
    expect(scores.slice(0, 3)).toEqual([1, 0.5, -0.5]);
    expect((await recommend([3])).scores[0]).toBeLessThan(0);
  });

  it('scores with the last maxHistory items', async () => {
    expect(await recommend([0, 2], { maxHistory: 1 })).toEqual(await recommend([2, 0, 2], { maxHistory: 1 }));
    expect((await recommend([0, 2], { maxHistory: 1 })).scores[0]).toBe(1);
  });

  it('refuses options that make no sense', async () => {
    const fit = (options: object) => coOccurrence.fit({ sequences, numItems: 5, fittedOn: 'train' }, options);
    await expect(fit({ decay: 0 })).rejects.toThrow(/^co-occurrence: options must be valid, got .*decay/s);
    await expect(fit({ window: 0.5 })).rejects.toThrow(/window/);
    await expect(fit({ dekay: 0.5 })).rejects.toThrow(/Unrecognized key: "dekay"/);
  });
});
