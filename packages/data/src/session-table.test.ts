import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMappedInteractions } from './column-map.js';
import { collectInteractions } from './interactions.js';
import { collectPresplit } from './presplit.js';
import { readSessionTable } from './session-table.js';
import { splitSchema } from './split-schema.js';
import { splitInteractions } from './splits.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-sessions-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

it('keeps ids that neither a float32 nor a float64 could hold', async () => {
  const ids = ['16777216', '16777217', '9007199254740992', '9007199254740993'];
  const path = await fileOf('a.txt', `SessionId\tItemId\tTime\n${ids.map((id) => `${id}\t${id}\t1.5\n`).join('')}`);
  const { userIds, itemIds, timestamps } = await collectInteractions(readSessionTable(path));
  expect([userIds, itemIds]).toEqual([ids, ids]);
  expect(timestamps[0]).toBe(1.5);
});

it('refuses ids that were rounded already: JSON numbers beyond 2^53', async () => {
  const path = await fileOf('a.jsonl', '{"u": 1, "i": 9007199254740993, "t": 1}\n');
  const columns = { user: 'u', item: 'i', timestamp: 't' };
  await expect(Readable.from(readMappedInteractions(path, { columns })).toArray()).rejects.toThrow(
    '"i" must be an id that is exact as a number, got about 9007199254740992: write it as a text',
  );
});

it('names the columns that there are when one is missing', async () => {
  const path = await fileOf('b.txt', 'SessionId\tItemId\tPrice\n1\t2\t3\n');
  await expect(Readable.from(readSessionTable(path)).toArray()).rejects.toThrow(
    'b.txt must have the columns Time, got SessionId, ItemId, Price',
  );
});

it.skipIf(!data)('reads the Yoochoose sample of session-rec (needs CODEBEAM_DATA)', async () => {
  const file = (part: string) => join(data!, 'raw_samples', `yoochoose-clicks-100k_${part}.txt.gz`);
  const [train, test] = [readSessionTable(file('train_full')), readSessionTable(file('test'))];
  const split = splitInteractions(await collectPresplit({ train, test }), splitSchema.parse({ type: 'given' }), 42);
  const ofTrain = new Set(split.train.users);
  expect([ofTrain.size, new Set(split.train.items).size, split.train.users.length]).toEqual([17_794, 2_933, 70_278]);
  expect(split.test.size).toBe(13_568);
});
