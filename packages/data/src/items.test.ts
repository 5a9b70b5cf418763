import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readItems, writeItems } from './item-table.js';
import { alignItems } from './items.js';

it('puts catalogue entries in the order of the dense ids: the first entry counts, a missing one is its id alone', async () => {
  const entries = [{ id: 'c', title: 'C' }, { id: 'x' }, { id: 'a', title: 'A' }, { id: 'c', title: 'again' }];
  expect(await alignItems(entries, ['a', 'b', 'c'])).toEqual([
    { id: 'a', title: 'A' },
    { id: 'b' },
    { id: 'c', title: 'C' },
  ]);
});

it('gives back the categories that a table was written with, whatever their names hold', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codebeam-items-'));
  const path = join(folder, 'items.parquet');
  const items = [
    {
      id: 'a',
      categories: [
        ['TV', 'TVs > 40"'],
        ['C\\D', '>', '\\>'],
      ],
    },
    { id: 'b' },
  ];
  await writeItems(path, items);
  expect(await readItems(path)).toEqual(items);
  await rm(folder, { recursive: true });
});
