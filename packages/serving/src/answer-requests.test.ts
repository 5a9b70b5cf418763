import { selectBackend } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { itemKnn } from '@codebeam/recommenders';
import { createTigerModel, createTigerRecommender, createVocabulary, initTiger } from '@codebeam/tiger';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, ids, itemIds } from '../fixtures/tiger-run.js';
import { answerRequests, type ListAnswer, type ListRequest, type Refusal } from './answer-requests.js';
import type { Checkpoint } from './load-checkpoint.js';

let tiger: Checkpoint;
let knn: Checkpoint;
/** Lists only, as hybrids have them. */
let listsOnly: Checkpoint;

beforeAll(async () => {
  await selectBackend('cpu');
  const model = createTigerModel(config, ids, initTiger(config, createVocabulary(ids, config), 7));
  const withBeamWidth = (beamWidth: number) => createTigerRecommender(model, { beamWidth });
  const shared = { numItems: 6, itemIds, userIds: [] };
  tiger = { ...shared, recommender: withBeamWidth(2), tiger: { ids: model.ids, beamWidth: 2, withBeamWidth } };
  const histories = [
    [0, 1, 2, 5],
    [0, 1, 3],
    [3, 1, 4],
    [4, 5],
  ];
  const fitted = await itemKnn.fit({
    sequences: packSequences(histories.map((items) => Int32Array.from(items))),
    numItems: 6,
    itemIds,
    userIds: ['a', 'b', 'c', 'd'],
    fittedOn: 'train',
  });
  const { recommendToUsers } = fitted;
  knn = { ...shared, recommender: fitted, userIds: ['a', 'b', 'c', 'd'], recommendToUsers };
  const { score: _, ...rest } = fitted;
  listsOnly = { ...shared, recommender: { ...rest } as Recommender };
});

const lists = (answers: readonly (ListAnswer | Refusal)[]) =>
  answers.map((answer) => ('refused' in answer ? answer.refused : Array.from(answer.items)));

const items = fc.uniqueArray(fc.nat(5), { maxLength: 5 }).map((some) => Int32Array.from(some));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const request = fc
  .record({
    history: items,
    user: optional(fc.constantFrom('a', 'z')),
    k: fc.integer({ min: 1, max: 8 }),
    keepHistory: optional(fc.boolean()),
    blocked: optional(items),
    allowed: optional(items),
  })
  .map(
    (made) =>
      Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as unknown as ListRequest,
  );

describe.each(['tiger', 'knn', 'listsOnly'] as const)('requests to %s', (name) => {
  const checkpointOf = () => ({ tiger, knn, listsOnly })[name];

  it('get together what each gets alone, and nothing that it does not want', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async (requests) => {
        const together = await answerRequests(checkpointOf(), requests);
        for (const [i, one] of requests.entries()) {
          const [alone] = await answerRequests(checkpointOf(), [one]);
          expect(lists([together[i]])).toEqual(lists([alone]));
          const found = Array.from((alone as ListAnswer).items);
          expect(found.length).toBeLessThanOrEqual(one.k);
          const unwanted = (item: number) =>
            one.blocked?.includes(item) ||
            (one.allowed && !one.allowed.includes(item)) ||
            (!one.keepHistory && one.history!.includes(item));
          expect(found.filter(unwanted)).toEqual([]);
          const wanted = [0, 1, 2, 3, 4, 5].filter((item) => !unwanted(item));
          // A beam as wide as the catalogue finds all that there is; so does everything that scores.
          if (one.k >= 6 || name !== 'tiger') expect(found.length).toBe(Math.min(one.k, wanted.length));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('answers', () => {
  it('of TIGER say how probable the ID is code by code, at the width asked for', async () => {
    const history = Int32Array.of(1, 3);
    const [wide] = (await answerRequests(tiger, [{ history, k: 2, beamWidth: 6 }])) as ListAnswer[];
    const whole = await tiger.tiger!.withBeamWidth(6).recommend([history], 2, { maskHistory: true, users: [''] });
    expect(Array.from(wide.items)).toEqual(Array.from(whole.items));
    expect(wide.prefixScores).toHaveLength(2 * ids.sizes.length);
    expect(wide.prefixScores!.at(-1)).toBe(wide.scores[1]);
  });

  it('for users of the training data are after all that they did', async () => {
    const { items } = await knn.recommendToUsers!(['b'], 6);
    const all = Array.from(items).filter((item) => item >= 0);
    expect(lists(await answerRequests(knn, [{ user: 'b', k: 6 }]))).toEqual([all]);
    const without = await answerRequests(knn, [
      { user: 'b', k: 1, blocked: Int32Array.of(all[0]) },
      { user: 'a', k: 3 },
    ]);
    expect(lists(without)[0]).toEqual([all[1]]);
  });

  it('refuse what a model cannot do, and answer the others', async () => {
    const known = { history: Int32Array.of(0), k: 1 };
    expect(lists(await answerRequests(tiger, [{ user: 'a', k: 1 }, { k: 1 }]))).toEqual([
      'history must be given, got user a alone; tiger keeps no histories',
      'one of history and user must be given, got neither',
    ]);
    const [narrow, stranger, fine] = lists(
      await answerRequests(knn, [{ ...known, beamWidth: 3 }, { user: 'z', k: 1 }, known]),
    );
    expect(narrow).toBe('beamWidth must be left out but for TIGER, got 3 for item-knn');
    expect(stranger).toBe('user must be of the training data, got z; give a history');
    expect(fine).toEqual([1]);
  });
});
