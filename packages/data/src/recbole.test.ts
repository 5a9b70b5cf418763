import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { featureMatrix } from './features.js';
import { collectInteractions } from './interactions.js';
import { readRecboleFeatures, readRecboleInteractions, readRecboleItems } from './recbole.js';

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

it('reads any columns of .item and .user files as features', async () => {
  const text =
    'item_id:token\tclass:token_seq\tyear:float\tbrand:token\tvector:float_seq\n' +
    '1\tAnimation Comedy\t1995\tAcme\t0.5 -2\n2\t\t\t\t\n';
  expect(await readRecboleFeatures(await fileOf('e.item', text))).toEqual({
    ids: ['1', '2'],
    columns: {
      class: [['Animation', 'Comedy'], []],
      year: [1995, undefined],
      brand: [['Acme'], []],
      vector: [Float64Array.of(0.5, -2), Float64Array.of()],
    },
  });
});

it('names the column whose type is unknown, and the value that is no number', async () => {
  const untyped = readRecboleFeatures(await fileOf('f.item', 'item_id:token\tclass\n1\tx\n'));
  await expect(untyped).rejects.toThrow(
    'f.item must have a type token, token_seq, float or float_seq, got none; write it as class:token',
  );
  const wrong = readRecboleFeatures(await fileOf('g.item', 'item_id:token\tyear:float\n1\tlate\n'));
  await expect(wrong).rejects.toThrow('"year" must be a number, got "late"');
});

it.skipIf(!data)('reads MovieLens-100K (needs CODEBEAM_DATA)', async () => {
  const file = (name: string) => join(data!, 'ml-100k', name);
  const { userIds, itemIds, users } = await collectInteractions(readRecboleInteractions(file('ml-100k.inter.gz')));
  expect([userIds.length, itemIds.length, users.length]).toEqual([943, 1682, 100_000]);
  expect(await Readable.from(readRecboleItems(file('ml-100k.item.gz'))).toArray()).toHaveLength(1682);
  const table = await readRecboleFeatures(file('ml-100k.user.gz'));
  const { features, matrix } = featureMatrix(table, ['gender', 'occupation'], userIds);
  expect([features.length, matrix.rows, matrix.values.length]).toEqual([2 + 21, 943, 2 * 943]);
});
