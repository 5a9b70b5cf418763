import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orderByTime, type RawInteraction, sequenceOf } from './interactions.js';
import { collectPresplit, findPresplit, type Presplit } from './presplit.js';
import { readRecboleInteractions } from './recbole.js';
import { readSessionLines } from './session-lines.js';
import { splitSchema } from './split-schema.js';
import { splitInteractions } from './splits.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-presplit-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function folderOf(name: string, files: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

async function* rowsOf(text: string) {
  for (const [timestamp, row] of text.split(' ').entries()) {
    const [user, item] = row.split(':');
    yield { user, item, timestamp };
  }
}

/** Files of parts as one split. */
async function collectSplit(parts: Presplit<AsyncIterable<RawInteraction>>, options: object = {}) {
  return splitInteractions(await collectPresplit(parts), splitSchema.parse({ type: 'given', ...options }), 42);
}

describe('collectPresplit', () => {
  it('shares ids between the parts, in order of train, validation and test, and seals the test', async () => {
    const rows = { test: rowsOf('a:z c:x'), validation: rowsOf('b:z'), train: rowsOf('a:x b:y') };
    const { train, validation, test, untestedUsers } = await collectSplit(rows);
    expect([train.userIds, train.itemIds]).toEqual([
      ['a', 'b', 'c'],
      ['x', 'y', 'z'],
    ]);
    expect([train.items, validation.items]).toEqual([Int32Array.of(0, 1), Int32Array.of(2)]);
    expect(untestedUsers).toBe(1);
    const { users, items } = test.open('evaluate');
    expect([users, items]).toEqual([Int32Array.of(0, 2), Int32Array.of(2, 0)]);
  });

  it('can leave out what train does not know', async () => {
    const { test, droppedRows } = await collectSplit(
      { train: rowsOf('a:x b:y'), test: rowsOf('a:z c:x') },
      { unseen: 'drop-items' },
    );
    expect([test.open('evaluate').items, droppedRows]).toEqual([Int32Array.of(0), 1]);
  });

  it('refuses an empty part', async () => {
    await expect(collectSplit({ train: rowsOf('a:x'), test: (async function* () {})() })).rejects.toThrow(
      'data: split given must leave rows for train and for test, got 1 and 0 of 1',
    );
  });
});

describe('findPresplit', () => {
  it('knows the names of WarpRec, RecBole and session files', async () => {
    const found = async (name: string, files: string[]) =>
      Object.entries(await findPresplit(await folderOf(name, Object.fromEntries(files.map((file) => [file, '']))))).map(
        ([part, path]) => `${part} ${basename(path)}`,
      );
    expect(await found('warprec', ['train.tsv', 'validation.tsv', 'test.tsv', 'README.md'])).toEqual([
      'test test.tsv',
      'train train.tsv',
      'validation validation.tsv',
    ]);
    expect(await found('recbole', ['ml.train.inter', 'ml.valid.inter', 'ml.test.inter', 'ml.item'])).toEqual([
      'test ml.test.inter',
      'train ml.train.inter',
      'validation ml.valid.inter',
    ]);
    expect(await found('sessions', ['train.txt.gz', 'test.txt.gz'])).toEqual([
      'test test.txt.gz',
      'train train.txt.gz',
    ]);
  });

  it('says which files are there when a part is missing or there twice', async () => {
    const missing = await folderOf('missing', { 'train.tsv': '', 'items.tsv': '' });
    await expect(findPresplit(missing)).rejects.toThrow('must hold files for train and test, got items.tsv, train.tsv');
    const twice = await folderOf('twice', { 'train.tsv': '', 'test.tsv': '', 'val.tsv': '', 'valid.tsv': '' });
    await expect(findPresplit(twice)).rejects.toThrow('must hold one file for validation, got test.tsv,');
  });
});

it("reads RecBole's benchmark files", async () => {
  const header = 'user_id:token\titem_id:token\ttimestamp:float\n';
  const path = await folderOf('benchmark', {
    'toy.train.inter': `${header}1\t9\t1\n1\t8\t2\n`,
    'toy.test.inter': `${header}1\t7\t3\n`,
  });
  const { train, test } = await findPresplit(path);
  const split = await collectSplit({ train: readRecboleInteractions(train), test: readRecboleInteractions(test) });
  expect(split.train.items).toEqual(Int32Array.of(0, 1));
  expect(split.test.open('evaluate').items).toEqual(Int32Array.of(2));
});

it("keeps sessions apart where the files' names differ in their middle", async () => {
  const path = await folderOf('named', { 'yoo.train.txt': '7 3\n', 'yoo.test.txt': '3 8\n' });
  const { train, test } = await findPresplit(path);
  const { userIds } = await collectPresplit({ train: readSessionLines(train), test: readSessionLines(test) });
  expect(userIds).toEqual(['yoo.train:1', 'yoo.test:1']);
});

it('reads sessions one a line, those of train and test apart', async () => {
  const path = await folderOf('lines', { 'train.txt': '7 3 7\n\n8\n', 'test.txt': '3 8\n' });
  const { train, test } = await findPresplit(path);
  const split = await collectSplit({ train: readSessionLines(train), test: readSessionLines(test) });
  expect(split.train.userIds).toEqual(['train:1', 'train:3', 'test:1']);
  const sequences = orderByTime(split.train);
  expect([0, 1, 2].map((session) => [...sequenceOf(sequences, session)])).toEqual([[0, 1, 0], [2], []]);
  expect(sequenceOf(orderByTime(split.test.open('evaluate')), 2)).toEqual(Int32Array.of(1, 2));
});

it.skipIf(!data).each([
  ['diginetica', 186_670, 906_140, 15_963, 43_097],
  ['retailrocket', 126_168, 685_984, 4_735, 36_968],
  ['yoochoose1_64', 116_167, 486_026, 15_324, 17_376 + 369],
])('reads %s with its published counts (needs CODEBEAM_DATA)', async (name, sessions, clicks, testSessions, items) => {
  const { train, test } = await findPresplit(join(data!, name));
  const split = await collectSplit({ train: readSessionLines(train), test: readSessionLines(test) });
  expect([split.untestedUsers, split.train.users.length]).toEqual([sessions, clicks]);
  expect(split.train.userIds.length - sessions).toBe(testSessions);
  expect(split.train.itemIds.length).toBe(items);
});
