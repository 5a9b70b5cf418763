import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Filter, filterInteractions, filterSchema } from './filters.js';
import { collectInteractions } from './interactions.js';
import { readRecboleInteractions } from './recbole.js';

const data = process.env.CODEBEAM_DATA;

/** "a:x@1=5 b:y@2=3" (user : item @ time = rating), filtered and written again. */
async function filtered(text: string, ...filters: Filter[]): Promise<string> {
  const rows = text.split(' ').map((row) => {
    const [, user, item, timestamp, rating] = /^(.+):(.+)@(\d+)(?:=([\d.]+))?$/.exec(row)!;
    return { user, item, timestamp: Number(timestamp), ...(rating && { rating: Number(rating) }) };
  });
  const { users, items, timestamps, ratings, userIds, itemIds } = filterInteractions(
    await collectInteractions(rows),
    filters.map((filter) => filterSchema.parse(filter)),
  );
  const shown = (row: number) => `${itemIds[items[row]]}@${timestamps[row]}${ratings ? `=${ratings[row]}` : ''}`;
  return Array.from(users, (user, row) => `${userIds[user]}:${shown(row)}`).join(' ');
}

const rated = 'a:x@1=5 a:y@2=3 a:z@3=1 b:x@4=4 b:y@5=4';

it('min-rating drops what is below, and only that', async () => {
  expect(await filtered(rated, { type: 'min-rating', rating: 4 })).toBe('a:x@1=5 b:x@4=4 b:y@5=4');
});

it('compares ratings as they are kept, in 32 bits', async () => {
  const parts = 'a:x@1=0.79 a:y@2=0.8 b:z@3=4.1';
  const kept = async (filter: Filter) => (await filtered(parts, filter)).replaceAll(/=\S+/g, '');
  expect(await kept({ type: 'min-rating', rating: 4.1 })).toBe('b:z@3');
  expect(await kept({ type: 'interval', column: 'rating', keep: '(0.8,inf)' })).toBe('b:z@3');
  expect(await kept({ type: 'interval', column: 'rating', keep: '[0.1,0.8]' })).toBe('a:x@1 a:y@2');
});

it('user-average and item-average keep what is above the mean, not at it', async () => {
  // Means: a 3, b 4; x 4.5, y 3.5, z 1.
  expect(await filtered(rated, { type: 'user-average' })).toBe('a:x@1=5');
  expect(await filtered(rated, { type: 'item-average' })).toBe('a:x@1=5 b:y@5=4');
});

it('user-min, user-max, item-min and item-max count rows, bounds included', async () => {
  expect(await filtered(rated, { type: 'user-min', interactions: 3 })).toBe('a:x@1=5 a:y@2=3 a:z@3=1');
  expect(await filtered(rated, { type: 'user-max', interactions: 2 })).toBe('b:x@4=4 b:y@5=4');
  expect(await filtered(rated, { type: 'item-min', interactions: 2 })).toBe('a:x@1=5 a:y@2=3 b:x@4=4 b:y@5=4');
  expect(await filtered(rated, { type: 'item-max', interactions: 1 })).toBe('a:z@3=1');
});

it('n-rounds-k-core stops after its rounds where the iterative one goes on', async () => {
  // Users first: d goes. Then item z goes, which leaves c with one row for the second round, and that w for the same.
  const chain = 'a:x@1 a:y@2 b:x@3 b:y@4 c:w@5 c:z@6 d:z@7 a:w@8';
  expect(await filtered(chain, { type: 'n-rounds-k-core', k: 2, rounds: 1 })).toBe(
    'a:x@1 a:y@2 b:x@3 b:y@4 c:w@5 a:w@8',
  );
  const core = 'a:x@1 a:y@2 b:x@3 b:y@4';
  expect(await filtered(chain, { type: 'n-rounds-k-core', k: 2, rounds: 2 })).toBe(core);
  expect(await filtered(chain, { type: 'iterative-k-core', k: 2 })).toBe(core);
});

it("user-head-n and user-tail-n keep a user's earliest and latest, ties as in the file", async () => {
  const ties = 'a:x@2 a:y@1 a:z@2 b:x@9 a:w@2';
  expect(await filtered(ties, { type: 'user-head-n', n: 2 })).toBe('a:x@2 a:y@1 b:x@9');
  expect(await filtered(ties, { type: 'user-tail-n', n: 2 })).toBe('a:z@2 b:x@9 a:w@2');
});

it('drop-user and drop-item go by source ids', async () => {
  expect(await filtered('a:x@1 b:x@2 b:y@3', { type: 'drop-user', ids: ['a', 'nobody'] })).toBe('b:x@2 b:y@3');
  expect(await filtered('a:x@1 b:x@2 b:y@3', { type: 'drop-item', ids: ['x'] })).toBe('b:y@3');
});

it('tells of ids to drop that the data do not have', async () => {
  const interactions = await collectInteractions([
    { user: 'a', item: 'x', timestamp: 1 },
    { user: 'b', item: 'y', timestamp: 2 },
  ]);
  const told: unknown[] = [];
  const filters: Filter[] = [
    { type: 'drop-user', ids: ['a'] },
    { type: 'drop-item', ids: ['x', 'nothing'] },
  ];
  filterInteractions(interactions, filters, (...unknown) => told.push(unknown));
  expect(told).toEqual([['drop-item', ['nothing']]]);
});

it('duplicates keeps the first or the last row of a pair', async () => {
  const twice = 'a:x@5=1 a:x@3=2 b:x@1=3';
  expect(await filtered(twice, { type: 'duplicates', keep: 'first' })).toBe('a:x@3=2 b:x@1=3');
  expect(await filtered(twice, { type: 'duplicates', keep: 'last' })).toBe('a:x@5=1 b:x@1=3');
});

it('interval keeps what lies in any of the intervals, ends as bracketed', async () => {
  expect(await filtered(rated, { type: 'interval', column: 'rating', keep: '[4,5)' })).toBe('b:x@4=4 b:y@5=4');
  expect(await filtered(rated, { type: 'interval', column: 'timestamp', keep: '(-inf,1]; (4, inf)' })).toBe(
    'a:x@1=5 b:y@5=4',
  );
  expect(filterSchema.safeParse({ type: 'interval', column: 'rating', keep: '3 or more' }).success).toBe(false);
  await expect(filtered(rated, { type: 'interval', column: 'rating', keep: '[5,3]' })).rejects.toThrow(
    'data: an interval must go from a number to one not below it, got [5,3]',
  );
});

it('prepares sessions: gaps split, repeats merged, short sessions and rare items dropped to a fixed point', async () => {
  // Gap of 10 after a's third row. Merged, a#1 is x y; z has one row, which leaves c with one.
  const clicks = 'a:x@1 a:x@2 a:y@3 a:y@13 a:x@14 b:y@1 b:x@2 c:z@1 c:x@2';
  expect(await filtered(clicks, { type: 'split-at-gaps', seconds: 9 })).toBe(
    'a#1:x@1 a#1:x@2 a#1:y@3 a#2:y@13 a#2:x@14 b#1:y@1 b#1:x@2 c#1:z@1 c#1:x@2',
  );
  expect(await filtered(clicks, { type: 'merge-repeats' })).toBe('a:x@1 a:y@3 a:x@14 b:y@1 b:x@2 c:z@1 c:x@2');
  const gru4rec: Filter[] = [
    { type: 'split-at-gaps', seconds: 9 },
    { type: 'merge-repeats' },
    { type: 'iterative-k-core', k: { users: 2, items: 2 } },
  ];
  expect(await filtered(clicks, ...gru4rec)).toBe('a#1:x@1 a#1:y@3 a#2:y@13 a#2:x@14 b#1:y@1 b#1:x@2');
});

it('runs from first to last', async () => {
  const first: Filter = { type: 'user-head-n', n: 1 };
  const second: Filter = { type: 'min-rating', rating: 4 };
  expect(await filtered('a:x@1=3 a:y@2=5 b:x@1=5', first, second)).toBe('b:x@1=5');
  expect(await filtered('a:x@1=3 a:y@2=5 b:x@1=5', second, first)).toBe('a:y@2=5 b:x@1=5');
});

it('names the filter that left nothing, or that lacks ratings', async () => {
  await expect(
    filtered(rated, { type: 'user-min', interactions: 2 }, { type: 'item-min', interactions: 9 }),
  ).rejects.toThrow(
    'data: filter 2 of 2 (item-min) must leave at least one interaction, got none of 5; make it milder',
  );
  await expect(filtered('a:x@1', { type: 'min-rating', rating: 4 })).rejects.toThrow(
    'data: filter min-rating must have a rating in every row, got rows without',
  );
});

it.skipIf(!data)('leaves the known rows of MovieLens-100K (needs CODEBEAM_DATA)', async () => {
  const path = join(data!, 'ml-100k', 'ml-100k.inter.gz');
  const interactions = await collectInteractions(readRecboleInteractions(path));
  const rows = (...filters: Filter[]) => filterInteractions(interactions, filters).users.length;
  expect(rows({ type: 'min-rating', rating: 4 })).toBe(34_174 + 21_201); // fours and fives
  expect(rows({ type: 'interval', column: 'rating', keep: '[1,1];[5,inf)' })).toBe(6_110 + 21_201);
  expect(rows({ type: 'user-min', interactions: 20 })).toBe(100_000);
  expect(rows({ type: 'user-tail-n', n: 20 })).toBe(943 * 20);
});
