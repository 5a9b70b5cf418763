import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { collectInteractions, type Interactions, orderByTime, sequenceOf } from './interactions.js';
import { leaveOneOut } from './leave-one-out.js';
import { readRecboleInteractions } from './recbole.js';
import { splitSchema } from './split-schema.js';
import { splitInteractions } from './splits.js';

const data = process.env.CODEBEAM_DATA;
type SplitInput = z.input<typeof splitSchema>;

/** "a:x@1 b:y@2" -> rows. */
function rowsOf(text: string) {
  return text.split(' ').map((row) => {
    const [, user, item, timestamp] = /^(.+):(.+)@(.+)$/.exec(row)!;
    return { user, item, timestamp: Number(timestamp) };
  });
}

const written = ({ users, items, timestamps, userIds, itemIds }: Interactions) =>
  Array.from(users, (user, row) => `${userIds[user]}:${itemIds[items[row]]}@${timestamps[row]}`).join(' ');

function opened(interactions: Interactions, input: SplitInput, seed = 1) {
  const split = splitInteractions(interactions, splitSchema.parse(input), seed);
  return { ...split, test: split.test.open('evaluate') };
}

async function parts(text: string, input: SplitInput, seed?: number): Promise<string[]> {
  const { train, validation, test } = opened(await collectInteractions(rowsOf(text)), input, seed);
  return [train, validation, test].map(written);
}

const sizesOf = ({ train, validation, test }: ReturnType<typeof opened>) =>
  [train, validation, test].map(({ users }) => users.length);

describe('temporal-holdout', () => {
  it('gives train the first floor(n (1 - ratio)) rows of each user, and one at least', async () => {
    // a: floor(5 x 0.5) = 2 of 5; b: max(1, floor(0.5)) of 1. Ties as in the file.
    const text = 'a:p@3 a:q@1 a:r@3 b:p@9 a:s@3 a:t@0';
    expect(await parts(text, { type: 'temporal-holdout', ratio: 0.5 })).toEqual([
      'a:q@1 b:p@9 a:t@0',
      '',
      'a:p@3 a:r@3 a:s@3',
    ]);
  });

  it('holds validation out of what the test part left', async () => {
    expect(
      await parts('a:p@1 a:q@2 a:r@3 a:s@4', {
        type: 'temporal-holdout',
        ratio: 0.25,
        validation: { type: 'temporal-holdout', ratio: 0.5 },
      }),
    ).toEqual(['a:p@1', 'a:q@2 a:r@3', 'a:s@4']);
  });

  it('keeps the dense ids of the whole in every part, and its ratings', async () => {
    const rows = rowsOf('a:p@1 a:q@2 b:r@1 b:p@2').map((row, rating) => ({ ...row, rating }));
    const { train, test } = opened(await collectInteractions(rows), { type: 'temporal-holdout', ratio: 0.5 });
    expect([train.userIds, test.itemIds]).toEqual([
      ['a', 'b'],
      ['p', 'q', 'r'],
    ]);
    expect(test.items).toEqual(Int32Array.of(1, 0));
    expect(test.ratings).toEqual(Float32Array.of(1, 3));
  });
});

describe('leave-k-out', () => {
  const text = 'a:p@1 a:q@2 b:p@5 a:r@3 b:q@4 c:p@1';

  it('holds out the last k, and keeps users of no more than k rows in train', async () => {
    const split = { type: 'temporal-leave-k-out', k: 2 } as const;
    expect(await parts(text, split)).toEqual(['a:p@1 b:p@5 b:q@4 c:p@1', '', 'a:q@2 a:r@3']);
    const { untestedUsers, droppedRows } = opened(await collectInteractions(rowsOf(text)), split);
    expect([untestedUsers, droppedRows]).toEqual([2, 0]);
  });

  it('drops them from both sides on demand, as WarpRec does', async () => {
    const split = { type: 'temporal-leave-k-out', k: 2, shortUsers: 'drop' } as const;
    expect(await parts(text, split)).toEqual(['a:p@1', '', 'a:q@2 a:r@3']);
    const { untestedUsers, droppedRows } = opened(await collectInteractions(rowsOf(text)), split);
    expect([untestedUsers, droppedRows]).toEqual([2, 3]);
  });

  it('draws k rows of each user by the seed', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => `${n % 30}:${n}@${n}`).join(' ');
    const interactions = await collectInteractions(rowsOf(rows));
    const test = (seed: number) => opened(interactions, { type: 'random-leave-k-out', k: 3 }, seed).test;
    expect(Array.from(new Set(test(1).users), (user) => test(1).users.filter((one) => one === user).length)).toEqual(
      new Array(30).fill(3),
    );
    expect(test(1)).toEqual(test(1));
    expect(test(1)).not.toEqual(test(2));
    // Were the last rows drawn, their mean place of 0 .. 299 would be 269.5.
    expect(Math.abs(test(1).timestamps.reduce((sum, time) => sum + time, 0) / 90 - 149.5)).toBeLessThan(30);
  });

  it('is, twice over with k 1, leaveOneOut and RecBole LS: valid_and_test', async () => {
    const interactions = await collectInteractions(
      rowsOf('a:p@1 a:q@2 a:r@3 b:p@2 b:r@1 c:q@1 d:r@3 d:q@2 d:p@1 d:s@9'),
    );
    const last = { type: 'temporal-leave-k-out' } as const;
    const { train, validation, test } = opened(interactions, { ...last, validation: last });
    expect([train, validation, test].map(written)).toEqual([
      'a:p@1 b:r@1 c:q@1 d:q@2 d:p@1',
      'a:q@2 d:r@3',
      'a:r@3 b:p@2 d:s@9',
    ]);
    const sequences = leaveOneOut(orderByTime(interactions));
    const heldOut = ({ users, items }: Interactions) =>
      Array.from(users, (user, row) => ({ user, target: items[row] }));
    const cases = sequences.validation.map(({ user, target }) => ({ user, target }));
    expect(cases).toEqual(heldOut(validation));
    // Users of two rows, like b, are tested here and dropped there.
    const targets = sequences.test.open('evaluate').map(({ user, target }) => ({ user, target }));
    expect(targets).toEqual(heldOut(test).filter(({ user }) => user !== 1));
    expect(sequenceOf(orderByTime(train), 3)).toEqual(sequenceOf(sequences.train, 3));
  });
});

describe('random-holdout', () => {
  const rows = Array.from({ length: 100 }, (_, n) => `${n % 10}:${n}@${n}`).join(' ');

  it('draws from all rows, or from those of each user', async () => {
    const interactions = await collectInteractions(rowsOf(rows));
    const perUser = ({ users }: Interactions) => {
      const counts = new Int32Array(10);
      for (const user of users) counts[user]++;
      return new Set(counts);
    };
    const all = opened(interactions, { type: 'random-holdout', ratio: 0.2 });
    expect(sizesOf(all)).toEqual([80, 0, 20]);
    expect(perUser(all.test).size).toBeGreaterThan(1);
    const each = opened(interactions, { type: 'random-holdout', ratio: 0.2, of: 'user' });
    expect(sizesOf(each)).toEqual([80, 0, 20]);
    expect(perUser(each.test)).toEqual(new Set([2]));
    expect(opened(interactions, { type: 'random-holdout', ratio: 0.2 }, 2)).not.toEqual(all);
  });
});

describe('timestamp', () => {
  it('gives train what is before', async () => {
    expect(await parts('a:p@1 b:q@2 a:r@3', { type: 'timestamp', at: 2 })).toEqual(['a:p@1', '', 'b:q@2 a:r@3']);
  });

  it('best: the latest time with the most users on both sides', async () => {
    // Users on both sides: at 2 a; at 3 and 4 a and b; at 5 b alone (a ends at 4); c never.
    const text = 'a:p@1 b:p@2 b:q@3 a:q@4 b:r@5 c:p@5';
    expect(await parts(text, { type: 'timestamp', at: 'best' })).toEqual([
      'a:p@1 b:p@2 b:q@3',
      '',
      'a:q@4 b:r@5 c:p@5',
    ]);
  });

  it('best agrees with a search of all times', async () => {
    const row = fc.record({ user: fc.integer({ min: 0, max: 4 }), timestamp: fc.integer({ min: 0, max: 9 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 2, maxLength: 30 }), async (drawn) => {
        const rows = drawn.map(({ user, timestamp }) => ({ user: `${user}`, item: 'x', timestamp }));
        const usersAt = (at: number) =>
          new Set(
            rows
              .filter(
                ({ user, timestamp }) => timestamp >= at && rows.some((one) => one.user === user && one.timestamp < at),
              )
              .map(({ user }) => user),
          ).size;
        const times = [...new Set(rows.map(({ timestamp }) => timestamp))];
        const most = Math.max(...times.map(usersAt));
        fc.pre(most > 0);
        const best = Math.max(...times.filter((time) => usersAt(time) === most));
        const { test } = opened(await collectInteractions(rows), { type: 'timestamp', at: 'best' });
        expect(Math.min(...test.timestamps)).toBe(best);
      }),
    );
  });
});

describe('ratios', () => {
  it('rounds later parts down, and gives a row to one that would have less', async () => {
    const ofUser = (rows: number) => Array.from({ length: rows }, (_, n) => `a:${n}@${n}`).join(' ');
    const sizes = async (rows: number, ratios: [number, number, number]) =>
      sizesOf(opened(await collectInteractions(rowsOf(ofUser(rows))), { type: 'ratios', ratios }));
    expect(await sizes(25, [0.8, 0.1, 0.1])).toEqual([21, 2, 2]);
    expect(await sizes(25, [8, 1, 1])).toEqual([21, 2, 2]);
    expect(await sizes(5, [0.8, 0.1, 0.1])).toEqual([3, 1, 1]);
    expect(await sizes(2, [0.8, 0.1, 0.1])).toEqual([1, 0, 1]);
  });

  it('divides by user or as a whole, in time or at random', async () => {
    const text = 'a:p@1 a:q@2 b:p@3 b:q@4';
    expect(await parts(text, { type: 'ratios', ratios: [1, 0, 1] })).toEqual(['a:p@1 b:p@3', '', 'a:q@2 b:q@4']);
    expect(await parts(text, { type: 'ratios', ratios: [1, 0, 1], of: 'all' })).toEqual([
      'a:p@1 a:q@2',
      '',
      'b:p@3 b:q@4',
    ]);
    const random = [1, 2, 3, 4, 5].map((seed) =>
      parts(text, { type: 'ratios', ratios: [1, 0, 1], of: 'all', order: 'random' }, seed),
    );
    expect(new Set((await Promise.all(random)).map(([train]) => train)).size).toBeGreaterThan(1);
  });
});

describe('sessions', () => {
  it('session-ratio: the newest by last row for test, those before for validation', async () => {
    // Last rows: s1 9, s2 4, s3 5, s4 6. One each of four; item z is in no session of train.
    const text = 's1:x@1 s2:x@3 s2:y@4 s3:y@5 s1:y@9 s4:x@6 s1:z@9';
    const split = { type: 'session-ratio', validation: 0.25, test: 0.25 } as const;
    expect(await parts(text, { ...split, unseen: 'keep' })).toEqual([
      's2:x@3 s2:y@4 s3:y@5',
      's4:x@6',
      's1:x@1 s1:y@9 s1:z@9',
    ]);
    expect((await parts(text, split))[2]).toBe('s1:x@1 s1:y@9');
    const { droppedRows } = opened(await collectInteractions(rowsOf(text)), split);
    expect(droppedRows).toBe(1);
  });

  const day = 86_400;
  // The last day begins at 2 days: s1 runs into it, s2 lies before, s3 within.
  const text = `s1:x@0 s1:y@${2 * day} s2:x@5 s2:y@6 s3:y@${2 * day} s3:x@${3 * day} s3:z@${3 * day}`;

  it('last-days by start: what runs into the days is cut off', async () => {
    expect(await parts(text, { type: 'last-days', days: 1 })).toEqual([
      's1:x@0 s2:x@5 s2:y@6',
      '',
      `s3:y@${2 * day} s3:x@${3 * day}`,
    ]);
    expect(opened(await collectInteractions(rowsOf(text)), { type: 'last-days', days: 1 }).droppedRows).toBe(2);
  });

  it('last-days by end: what runs into the days is test', async () => {
    expect(await parts(text, { type: 'last-days', days: 1, by: 'end' })).toEqual([
      's2:x@5 s2:y@6',
      '',
      `s1:x@0 s1:y@${2 * day} s3:y@${2 * day} s3:x@${3 * day}`,
    ]);
  });
});

it('k-fold: rows of each user go to the folds in turn, and validation is each fold once', async () => {
  const text = 'a:p@9 a:q@8 b:p@1 a:r@7 a:s@6 b:q@2 b:r@3';
  const split = { type: 'temporal-leave-k-out', validation: { type: 'k-fold', folds: 2 } } as const;
  const { train, validation, folds, test } = opened(await collectInteractions(rowsOf(text)), split);
  expect([train, validation, test].map(written)).toEqual(['a:q@8 b:p@1 a:r@7 a:s@6 b:q@2', '', 'a:p@9 b:r@3']);
  expect(folds.map((fold) => [written(fold.train), written(fold.validation)])).toEqual([
    ['a:r@7 b:q@2', 'a:q@8 b:p@1 a:s@6'],
    ['a:q@8 b:p@1 a:s@6', 'a:r@7 b:q@2'],
  ]);
});

it('unseen: keeps or drops what train does not know', async () => {
  const text = 'a:p@1 a:q@2 b:p@2 a:p@3';
  const at = { type: 'timestamp', at: 2 } as const;
  expect((await parts(text, at))[2]).toBe('a:q@2 b:p@2 a:p@3');
  expect((await parts(text, { ...at, unseen: 'drop-items' }))[2]).toBe('b:p@2 a:p@3');
  expect((await parts(text, { ...at, unseen: 'drop' }))[2]).toBe('a:p@3');
});

it('seals the test part', async () => {
  const interactions = await collectInteractions(rowsOf('a:p@1 a:q@2'));
  const { test } = splitInteractions(interactions, splitSchema.parse({ type: 'temporal-leave-k-out' }), 1);
  expect(JSON.parse(JSON.stringify(test))).toEqual({ size: 1 });
  // @ts-expect-error The type forbids other openers too.
  expect(() => test.open('train')).toThrow('data: the test split must be opened by evaluate, got "train"');
});

it('refuses a split that leaves a part empty', async () => {
  const interactions = await collectInteractions(rowsOf('a:p@1 b:q@2'));
  expect(() => splitInteractions(interactions, splitSchema.parse({ type: 'temporal-leave-k-out' }), 1)).toThrow(
    'data: split temporal-leave-k-out must leave rows for train and for test, got 2 and 0 of 2',
  );
});

it('never tests on a row before one that its user has in train, in temporal splits', async () => {
  const row = fc.record({ user: fc.integer({ min: 0, max: 5 }), timestamp: fc.integer({ min: 0, max: 6 }) });
  const last = { type: 'temporal-leave-k-out', k: 2 } as const;
  const splits: SplitInput[] = [
    { type: 'temporal-holdout', ratio: 0.3, validation: { type: 'temporal-holdout', ratio: 0.4 } },
    { ...last, validation: last },
    { type: 'timestamp', at: 3 },
    { type: 'ratios', ratios: [0.6, 0.2, 0.2] },
    { type: 'ratios', ratios: [0.6, 0.2, 0.2], of: 'all' },
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(...splits),
      async (drawn, split) => {
        // An item for every row, so that rows of equal time can be told apart by their place in the file.
        const rows = drawn.map(({ user, timestamp }, n) => ({ user: `${user}`, item: `${n}`, timestamp }));
        const interactions = await collectInteractions(rows);
        let result: ReturnType<typeof opened>;
        try {
          result = opened(interactions, split);
        } catch (error) {
          expect((error as Error).message).toMatch(/must leave rows for train and for test/);
          return;
        }
        const inTime = [result.train, result.validation, result.test].map((part) => orderByTime(part));
        const whole = orderByTime(interactions);
        for (let user = 0; user < interactions.userIds.length; user++) {
          expect(inTime.flatMap((part) => [...sequenceOf(part, user)])).toEqual([...sequenceOf(whole, user)]);
        }
      },
    ),
  );
});

it.skipIf(!data)('has the known sizes on MovieLens-100K (needs CODEBEAM_DATA)', async () => {
  const path = join(data!, 'ml-100k', 'ml-100k.inter.gz');
  const interactions = await collectInteractions(readRecboleInteractions(path));
  expect(sizesOf(opened(interactions, { type: 'temporal-holdout', ratio: 0.1 }))).toEqual([89_561, 0, 10_439]);
  expect(sizesOf(opened(interactions, { type: 'temporal-leave-k-out' }))).toEqual([99_057, 0, 943]);
  expect(sizesOf(opened(interactions, { type: 'random-holdout', ratio: 0.2 }))).toEqual([80_000, 0, 20_000]);
  const all: SplitInput = { type: 'ratios', ratios: [0.8, 0.1, 0.1], of: 'all' };
  expect(sizesOf(opened(interactions, all))).toEqual([80_000, 10_000, 10_000]);
});
