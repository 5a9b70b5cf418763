import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectInteractions } from './interactions.js';
import { readSequenceTable } from './sequence-table.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-sequences-'));
});
afterAll(() => rm(folder, { recursive: true }));

const columns = { user: 'user_id', items: 'items' };

it('gives each item its place as time, and takes only the rows asked for', async () => {
  const path = join(folder, 'sequences.tsv');
  await writeFile(path, 'user_id:token\tcomplete\titems:token_seq\n1\t1\t5 6 5\n2\t0\t7\n3\t1\t\n');
  const read = (where?: Record<string, string>) =>
    Readable.from(readSequenceTable(path, { columns, ...(where && { where }) })).toArray();
  const first = ['5', '6', '5'].map((item, timestamp) => ({ user: '1', item, timestamp }));
  expect(await read()).toEqual([...first, { user: '2', item: '7', timestamp: 0 }]);
  expect(await read({ complete: '1' })).toEqual(first);
});

it('refuses a user on two lines, of those that count, and a line without one', async () => {
  const path = join(folder, 'repeated.tsv');
  await writeFile(path, 'user_id\tcomplete\titems\n1\t1\t5 6\n2\t1\t7\n1\t0\t8\n');
  const read = (where = {}) => Readable.from(readSequenceTable(path, { columns, where })).toArray();
  await expect(read()).rejects.toThrow(/repeated\.tsv:4 must be of a user of its own, got "1" as in line 2/);
  expect(await read({ complete: '1' })).toHaveLength(3);
  await writeFile(path, 'user_id\titems\n1\t5 6\n\t7\n\t8\n');
  await expect(read()).rejects.toThrow('the first in line 3: "user_id" must be an id, got ""');
});

it('names the columns that a file lacks', async () => {
  const path = join(folder, 'other.tsv');
  await writeFile(path, 'user\titems\n1\t5\n');
  await expect(Readable.from(readSequenceTable(path, { columns })).toArray()).rejects.toThrow(
    'other.tsv must have the columns user_id, got user, items',
  );
});

it.skipIf(!data)('reads MovieLens-1M (needs CODEBEAM_DATA)', async () => {
  const path = join(data!, 'ml-1m', 'sequences.tsv.gz');
  const { userIds, itemIds, users } = await collectInteractions(readSequenceTable(path, { columns }));
  expect([userIds.length, itemIds.length, users.length]).toEqual([6040, 3416, 994_083]);
  const complete = await collectInteractions(readSequenceTable(path, { columns, where: { complete: '1' } }));
  expect(complete.userIds).toHaveLength(512);
});
