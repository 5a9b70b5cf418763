import { createKey } from '@codebeam/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  collectInteractions,
  kCore,
  keepFirstOfDuplicates,
  keepLastOfDuplicates,
  orderByTime,
  type RawInteraction,
  rowsByPair,
  sequenceOf,
} from './interactions.js';

/** "a:x@1 b:y@2" -> rows. */
function rowsOf(text: string): RawInteraction[] {
  return text.split(' ').map((row) => {
    const [, user, item, timestamp] = /^(.+):(.+)@(.+)$/.exec(row)!;
    return { user, item, timestamp: Number(timestamp) };
  });
}

async function namedRows(text: string, change: (i: Awaited<ReturnType<typeof collectInteractions>>) => unknown) {
  const { users, items, timestamps, userIds, itemIds } = change(await collectInteractions(rowsOf(text))) as Awaited<
    ReturnType<typeof collectInteractions>
  >;
  return Array.from(users, (user, row) => `${userIds[user]}:${itemIds[items[row]]}@${timestamps[row]}`).join(' ');
}

describe('collectInteractions', () => {
  it('gives dense ids by first appearance and keeps the source ids', async () => {
    expect(await collectInteractions(rowsOf('bob:y@3 amy:x@1 bob:x@2'))).toEqual({
      users: Int32Array.of(0, 1, 0),
      items: Int32Array.of(0, 1, 1),
      timestamps: Float64Array.of(3, 1, 2),
      userIds: ['bob', 'amy'],
      itemIds: ['y', 'x'],
    });
  });

  it('keeps ratings when every row has one, through duplicates and the k-core', async () => {
    const rows = rowsOf('a:x@5 a:y@1 a:x@3 b:x@1 c:z@1').map((row, rating) => ({ ...row, rating }));
    const interactions = await collectInteractions(rows);
    expect(interactions.ratings).toEqual(Float32Array.of(0, 1, 2, 3, 4));
    expect(keepFirstOfDuplicates(interactions).ratings).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(kCore(interactions, { users: 1, items: 3 }).ratings).toEqual(Float32Array.of(0, 2, 3));
    const oneWithout = [...rows, { user: 'd', item: 'x', timestamp: 1 }];
    expect(await collectInteractions(oneWithout)).not.toHaveProperty('ratings');
  });

  it('refuses an empty input', async () => {
    await expect(collectInteractions([])).rejects.toThrow('data: interactions must hold at least one row, got none');
  });
});

describe('keepFirstOfDuplicates', () => {
  it('keeps the earliest row of a pair, and of equally early ones the first in the file', async () => {
    expect(await namedRows('a:x@5 a:y@1 a:x@3 b:x@1 a:x@3', keepFirstOfDuplicates)).toBe('a:y@1 a:x@3 b:x@1');
  });
});

describe('keepLastOfDuplicates', () => {
  it('keeps the latest row of a pair, and of equally late ones the last in the file', async () => {
    expect(await namedRows('a:x@5 a:y@1 a:x@3 b:x@1 b:x@1', keepLastOfDuplicates)).toBe('a:x@5 a:y@1 b:x@1');
    const rated = rowsOf('b:x@1 b:x@1').map((row, rating) => ({ ...row, rating }));
    expect(keepLastOfDuplicates(await collectInteractions(rated)).ratings).toEqual(Float32Array.of(1));
  });
});

describe('rowsByPair', () => {
  it("orders a user's rows by item, then by time, then as in the file", async () => {
    const interactions = await collectInteractions(rowsOf('a:x@5 b:y@1 a:y@2 a:x@3 a:x@5'));
    expect(rowsByPair(interactions)).toEqual({ offsets: Int32Array.of(0, 4, 5), rows: Int32Array.of(3, 0, 4, 2, 1) });
  });
});

describe('kCore', () => {
  const chain = 'a:x@1 a:y@2 b:x@3 b:y@4 c:y@5 c:z@6';

  it('removes in chains: z has one row, then c has one', async () => {
    expect(await namedRows(chain, (i) => kCore(i, 2))).toBe('a:x@1 a:y@2 b:x@3 b:y@4');
  });

  it('takes another bound for items than for users', async () => {
    expect(await namedRows(chain, (i) => kCore(i, { users: 1, items: 2 }))).toBe('a:x@1 a:y@2 b:x@3 b:y@4 c:y@5');
    expect(await namedRows(chain, (i) => kCore(i, { users: 2, items: 1 }))).toBe(chain);
  });

  it('returns its input when every user and item has k rows', async () => {
    const interactions = await collectInteractions(rowsOf('a:x@1 a:y@2 b:x@3 b:y@4'));
    expect(kCore(interactions, 2)).toBe(interactions);
  });

  it('says what was there when nothing is left', async () => {
    const interactions = await collectInteractions(rowsOf(chain));
    expect(() => kCore(interactions, 3)).toThrow(
      'data: the 3-core must hold at least one interaction, got none of 6 (3 users, 3 items); lower k or bring more data',
    );
    expect(() => kCore(interactions, 1.5)).toThrow('data: k of the k-core must be an integer from 0, got 1.5');
  });

  it('is the fixed point: every user and item left has k rows, and no larger subset has', async () => {
    const pair = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 7 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(pair, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 4 }),
        async (pairs, k) => {
          const all = pairs.map(([u, i], timestamp) => ({ user: `u${u}`, item: `i${i}`, timestamp }));
          // Removing one row at a time, from the back, must end in the same set.
          const left = [...all];
          const count = (key: 'user' | 'item', id: string) => left.filter((row) => row[key] === id).length;
          for (;;) {
            const at = left.findLastIndex((row) => count('user', row.user) < k || count('item', row.item) < k);
            if (at < 0) break;
            left.splice(at, 1);
          }
          const interactions = await collectInteractions(all);
          if (left.length === 0) {
            expect(() => kCore(interactions, k)).toThrow('must hold at least one interaction');
          } else {
            expect(kCore(interactions, k)).toEqual(await collectInteractions(left));
          }
        },
      ),
    );
  });
});

describe('orderByTime', () => {
  it('sorts each user by time and leaves ties in file order', async () => {
    const interactions = await collectInteractions(rowsOf('a:x@2 b:x@9 a:y@1 a:z@2 b:w@9 a:w@1'));
    const sequences = orderByTime(interactions);
    const named = [0, 1].map((user) => Array.from(sequenceOf(sequences, user), (item) => interactions.itemIds[item]));
    expect(named).toEqual([
      ['y', 'w', 'x', 'z'],
      ['x', 'w'],
    ]);
  });

  it('shuffles ties by key, and only ties', async () => {
    const row = (user: number, n: number) => ({ user: `${user}`, item: `${n}`, timestamp: n < 5 ? 100 : n });
    const users = Array.from({ length: 300 }, (_, user) => user);
    const interactions = await collectInteractions(users.flatMap((user) => [3, 4, 7, 200].map((n) => row(user, n))));
    const shuffled = (seed: number) => orderByTime(interactions, { ties: 'shuffled', key: createKey(seed, 'shuffle') });
    expect(shuffled(1)).toEqual(shuffled(1));
    expect(shuffled(1)).not.toEqual(shuffled(2));
    const ids = users.map((user) =>
      Array.from(sequenceOf(shuffled(1), user), (item) => interactions.itemIds[item]).join(),
    );
    expect(new Set(ids)).toEqual(new Set(['7,3,4,200', '7,4,3,200']));
    const swapped = ids.filter((id) => id === '7,4,3,200').length;
    expect(Math.abs(swapped - 150)).toBeLessThan(5 * Math.sqrt(75));
  });
});
