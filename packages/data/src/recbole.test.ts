import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectInteractions } from './interactions.js';
import { readRecboleInteractions, readRecboleItems } from './recbole.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-recbole-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

it('reads .inter by its typed header, with or without ratings', async () => {
  const rated = 'item_id:token\tuser_id:token\trating:float\ttimestamp:float\n9\t1\t3\t881250949\n';
  expect(await Readable.from(readRecboleInteractions(await fileOf('a.inter', rated))).toArray()).toEqual([
    { user: '1', item: '9', timestamp: 881250949, rating: 3 },
  ]);
  const bare = 'user_id:token\titem_id:token\ttimestamp:float\n1\t"9\t1\n';
  expect(await Readable.from(readRecboleInteractions(await fileOf('b.inter', bare))).toArray()).toEqual([
    { user: '1', item: '"9', timestamp: 1 },
  ]);
});

it('names the column that an .inter file lacks', async () => {
  const path = await fileOf('c.inter', 'session_id:token\titem_id:token\ttimestamp:float\n1\t9\t1\n');
  const reading = Readable.from(readRecboleInteractions(path)).toArray();
  await expect(reading).rejects.toThrow('c.inter must have the columns user_id, got session_id, item_id, timestamp');
});

it('reads .item with the names that the data sets use', async () => {
  const text = 'item_id:token\tmovie_title:token_seq\tclass:token_seq\n1\tToy Story\tAnimation Comedy\n2\t\t\n';
  expect(await Readable.from(readRecboleItems(await fileOf('d.item', text))).toArray()).toEqual([
    { id: '1', title: 'Toy Story', categories: [['Animation'], ['Comedy']] },
    { id: '2' },
  ]);
});

it.skipIf(!data)('reads MovieLens-100K (needs CODEBEAM_DATA)', async () => {
  const file = (name: string) => join(data!, 'ml-100k', name);
  const { userIds, itemIds, users } = await collectInteractions(readRecboleInteractions(file('ml-100k.inter.gz')));
  expect([userIds.length, itemIds.length, users.length]).toEqual([943, 1682, 100_000]);
  expect(await Readable.from(readRecboleItems(file('ml-100k.item.gz'))).toArray()).toHaveLength(1682);
});
