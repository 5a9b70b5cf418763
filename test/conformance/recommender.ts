import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sequences, sparseMatrix } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import type { FittedRecommender, RecommenderModel } from '@codebeam/recommenders';
import { beforeAll, describe, expect, it } from 'vitest';

const numItems = 16;
const numUsers = numItems;

/** User u likes the items of u's parity, in the cyclic order u+2, u+4 ... u-2: all but u itself, which is withheld. */
const checkerboard: readonly Int32Array[] = Array.from({ length: numUsers }, (_, user) =>
  Int32Array.from({ length: numItems / 2 - 1 }, (_, place) => (user + 2 * (place + 1)) % numItems),
);

/** What a suite passes over or does otherwise, and why. */
export interface Exceptions {
  /** Of a model that cannot know the withheld item. */
  withheldItem?: string;
  /** Of a model that answers users of the training data alone: each question is then asked in the name of one. */
  strangers?: string;
}

/** Who a history is asked for: whose it is on the checkerboard, or the first user. */
const userOf = (history: Int32Array) => `user ${Math.max(0, checkerboard.indexOf(history))}`;

/** The checkerboard as training data. */
function checkerboardSequences(): Sequences {
  const length = checkerboard[0].length;
  return {
    offsets: Int32Array.from({ length: numUsers + 1 }, (_, user) => user * length),
    items: Int32Array.from(checkerboard.flatMap((history) => [...history])),
  };
}

/**
 * The behaviour that the Recommender interface promises, on a checkerboard catalogue where the right answer is obvious:
 * half of the items go together, and a history that holds all of its half but one is to be continued with that one.
 *
 * @param build  fits a recommender to sequences over `numItems` items
 */
export function describeRecommender(
  name: string,
  build: (sequences: Sequences, numItems: number) => Recommender | Promise<Recommender>,
  skip: Exceptions = {},
): void {
  describe(`${name} as a Recommender`, () => {
    const named = (histories: readonly Int32Array[]) => skip.strangers && { users: histories.map(userOf) };
    let recommender: Recommender;
    beforeAll(async () => {
      recommender = await build(checkerboardSequences(), numItems);
    });

    /** One list per history, cut where it ends. */
    async function recommend(histories: readonly Int32Array[], k: number, maskHistory = true): Promise<number[][]> {
      const { items } = await recommender.recommend(histories, k, { maskHistory, ...named(histories) });
      return histories.map((_, row) => [...items.subarray(row * k, (row + 1) * k)]);
    }

    const reason = skip.withheldItem;
    it.skipIf(reason)(`puts the withheld item first${reason ? ` (skipped: ${reason})` : ''}`, async () => {
      const lists = await recommend(checkerboard, 1);
      expect(lists.map(([first]) => first)).toEqual(checkerboard.map((_, user) => user));
    });

    it('keeps the history out of the list when masked', async () => {
      const lists = await recommend(checkerboard, numItems);
      for (const [user, list] of lists.entries()) {
        expect(list.filter((item) => checkerboard[user].includes(item))).toEqual([]);
      }
    });

    it('masks the whole history, however long', async () => {
      const history = Int32Array.from({ length: 50 * (numItems - 1) }, (_, place) => place % (numItems - 1));
      expect(await recommend([history], 2)).toEqual([[numItems - 1, -1]]);
    });

    it('may recommend the history when it is not masked', async () => {
      const [list] = await recommend([checkerboard[0]], numItems, false);
      expect(list.toSorted((a, b) => a - b)).toEqual(Array.from({ length: numItems }, (_, item) => item));
    });

    it('gives a batch the lists of its histories one by one', async () => {
      const histories = [checkerboard[3], new Int32Array(0), checkerboard[8].subarray(0, 2), checkerboard[3]];
      const single = [];
      for (const history of histories) single.push(...(await recommend([history], 5)));
      expect(await recommend(histories, 5)).toEqual(single);
    });

    it('gives a shorter list as the beginning of a longer one', async () => {
      const [short] = await recommend([checkerboard[5]], 3);
      const [long] = await recommend([checkerboard[5]], 8);
      expect(long.slice(0, 3)).toEqual(short);
    });

    const known = skip.strangers;
    it.skipIf(known)(
      `recommends to users never seen in training, and to an empty history${known ? ` (skipped: ${known})` : ''}`,
      async () => {
        const unseen = [Int32Array.of(0, 1, 3), Int32Array.of(9), new Int32Array(0)];
        const users = ['nobody', 'no one', 'none'];
        const { items } = await recommender.recommend(unseen, 4, { maskHistory: true, users });
        expect(items.length).toBe(12);
        for (const item of items) expect(item >= 0 && item < numItems).toBe(true);
      },
    );

    it('lists every item once and pads with -1 when k is larger than the catalogue', async () => {
      const k = numItems + 4;
      const { items, scores } = await recommender.recommend([checkerboard[0]], k, {
        maskHistory: true,
        ...named([checkerboard[0]]),
      });
      const candidates = numItems - checkerboard[0].length;
      expect(new Set(items.subarray(0, candidates)).size).toBe(candidates);
      expect([...items.subarray(candidates)]).toEqual(new Array(k - candidates).fill(-1));
      expect([...scores.subarray(candidates)]).toEqual(new Array(k - candidates).fill(-Infinity));
    });

    it('never lets scores rise along a list, and breaks ties toward the lower item id', async () => {
      const histories = [...checkerboard, new Int32Array(0)];
      const { items, scores } = await recommender.recommend(histories, numItems, {
        maskHistory: false,
        ...named(histories),
      });
      for (let place = 1; place < items.length; place++) {
        if (place % numItems === 0) continue;
        expect(scores[place]).toBeLessThanOrEqual(scores[place - 1]);
        if (scores[place] === scores[place - 1]) expect(items[place]).toBeGreaterThan(items[place - 1]);
      }
    });

    it('gives equal requests equal lists and leaves the histories as they were', async () => {
      const history = Int32Array.from(checkerboard[2]);
      expect(await recommend([history], 6)).toEqual(await recommend([history], 6));
      expect(history).toEqual(checkerboard[2]);
    });

    it('refuses items outside the catalogue and a k below 1', async () => {
      const ask = (history: number[], k: number) =>
        recommender.recommend([Int32Array.from(history)], k, { maskHistory: true });
      await expect(ask([0, numItems], 5)).rejects.toThrow(RangeError);
      await expect(ask([-1], 5)).rejects.toThrow(RangeError);
      await expect(ask([0], 0)).rejects.toThrow(RangeError);
    });
  });
}

const userIds = Array.from({ length: numUsers }, (_, user) => `user ${user}`);
const itemIds = Array.from({ length: numItems }, (_, item) => `item ${item}`);

/** The half that an item is of, for models that look at features. */
const itemFeatures = sparseMatrix(
  Array.from({ length: numItems }, (_, item) => new Map([[item % 2, 1]])),
  2,
);

/** Loads a model in a process of its own, and prints its lists as JSON. */
const loadElsewhere = `
  import { selectBackend } from '@codebeam/backend';
  import { loadRecommender } from '@codebeam/recommenders';
  const [folder, histories, named] = process.argv.slice(1);
  await selectBackend();
  const recommender = await loadRecommender(folder);
  const asked = JSON.parse(histories).map((history) => Int32Array.from(history));
  const { items, scores } = await recommender.recommend(asked, 8, { maskHistory: false, ...JSON.parse(named) });
  console.log(JSON.stringify({ items: [...items], scores: [...scores], ids: recommender.itemIds }));
`;

/**
 * What a model of `packages/recommenders` promises: that its recommenders behave as such, are a function of the data and the seed,
 * and survive being saved.
 */
export function describeModel(model: RecommenderModel, options: object = {}, skip: Exceptions = {}): void {
  const fit = (seed = 1) =>
    model.fit(
      { sequences: checkerboardSequences(), numItems, userIds, itemIds, itemFeatures, fittedOn: 'train' },
      options,
      { seed },
    );
  const name = 'loss' in options ? `${model.name} with loss ${options.loss}` : model.name;
  describeRecommender(name, () => fit(), skip);

  describe(`${name} as a model`, () => {
    let recommender: FittedRecommender;
    const histories = [checkerboard[3], new Int32Array(0), Int32Array.of(9, 2)];
    const named = skip.strangers ? { users: histories.map(userOf) } : {};
    beforeAll(async () => {
      recommender = await fit();
    });

    it('scores as it ranks', async () => {
      const { items, scores } = await recommender.recommend(histories, numItems, { maskHistory: false, ...named });
      const all = await recommender.score(histories, named);
      expect(all.length).toBe(histories.length * numItems);
      for (const [place, item] of items.entries()) {
        const row = Math.floor(place / numItems);
        expect(all[row * numItems + item]).toBe(scores[place]);
      }
    });

    it('is a function of data and seed', async () => {
      expect(await (await fit()).score(histories, named)).toEqual(await recommender.score(histories, named));
    });

    it('recommends to users of the training data by name, and refuses others', async () => {
      const [mine] = checkerboard;
      const expected = await recommender.recommend([mine], 4, { maskHistory: true, users: ['user 0'] });
      expect(await recommender.recommendToUsers(['user 0'], 4)).toEqual(expected);
      await expect(recommender.recommendToUsers(['nobody'], 4)).rejects.toThrow(/got nobody/);
    });

    it('gives the same lists when it was saved and loaded in another process', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'codebeam-model-'));
      try {
        await recommender.save(folder);
        const arguments_ = [
          '--input-type=module',
          '-e',
          loadElsewhere,
          folder,
          JSON.stringify(histories.map((h) => [...h])),
          JSON.stringify(named),
        ];
        const printed = execFileSync(process.execPath, arguments_, { encoding: 'utf8' });
        const { items, scores } = await recommender.recommend(histories, 8, { maskHistory: false, ...named });
        expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toEqual({
          items: [...items],
          scores: [...scores],
          ids: itemIds,
        });
        const loaded = await model.load(folder);
        expect(loaded.parameters).toEqual(recommender.parameters);
        expect(await loaded.recommendToUsers(['user 3'], 4)).toEqual(await recommender.recommendToUsers(['user 3'], 4));
        writeFileSync(join(folder, 'ids.json'), JSON.stringify({ items: itemIds.slice(1) }));
        await expect(model.load(folder)).rejects.toThrow('must hold files that were saved together');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('refuses an option that it does not have', async () => {
      const data = { sequences: checkerboardSequences(), numItems, itemFeatures, fittedOn: 'train' } as const;
      await expect(model.fit(data, { ...options, neighbors: 3 })).rejects.toThrow(/neighbors/);
    });
  });
}
