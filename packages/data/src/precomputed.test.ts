import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Field,
  FixedSizeList,
  Float32,
  List,
  Table,
  tableFromArrays,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeEmbeddings } from './embeddings.js';
import { loadPrecomputedEmbeddings } from './precomputed.js';
import { encodeSafetensors } from './safetensors.js';
import { writeParquet } from './tables.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'precomputed-'));
});

const itemIds = ['a', 'b', 'c'];
const inOrder = { values: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 3, dim: 2 };

async function writeArrow(
  name: string,
  rows: (number[] | null)[],
  ids?: string[],
  type = new List(new Field('item', new Float32())),
) {
  const path = join(folder, name);
  const embedding = vectorFromArray(rows, type as List<Float32>);
  const table = ids ? new Table({ id: vectorFromArray(ids, new Utf8()), embedding }) : new Table({ embedding });
  await writeFile(path, tableToIPC(table, 'file'));
  return path;
}

async function writeWithIds(ids: readonly string[], rows: readonly number[][]) {
  const path = join(folder, 'vectors.parquet');
  await writeParquet(path, { id: { type: 'string', values: ids }, embedding: { type: 'list<double>', values: rows } });
  return path;
}

describe('loadPrecomputedEmbeddings', () => {
  it('takes the rows of files that hold no ids by a list of ids, or in order where that is said', async () => {
    const arrow = join(folder, 'vectors.arrow');
    await writeEmbeddings(arrow, inOrder, 'x');
    const safetensors = join(folder, 'vectors.safetensors');
    await writeFile(safetensors, encodeSafetensors({ any: { dtype: 'F32', shape: [3, 2], data: inOrder.values } }));
    const half = join(folder, 'half.safetensors');
    const brain = Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0);
    await writeFile(half, encodeSafetensors({ any: { dtype: 'BF16', shape: [3, 2], data: brain } }));
    for (const path of [arrow, safetensors, half]) {
      expect(await loadPrecomputedEmbeddings({ path, itemIds, dim: 2, inItemOrder: true })).toEqual(inOrder);
      const { values } = await loadPrecomputedEmbeddings({ path, itemIds, embeddingIds: ['c', 'a', 'b'] });
      expect(values).toEqual(Float32Array.of(3, 4, 5, 6, 1, 2));
      await expect(loadPrecomputedEmbeddings({ path, itemIds, embeddingIds: ['a'] })).rejects.toThrow(
        `data: ${path} must have one row for each of 1 embeddingIds, got 3 rows; give the ids of its rows`,
      );
      await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(
        `data: ${path} must say which item each row is of, got vectors alone; name the column of ids as idColumn, give embeddingIds, or set inItemOrder if row n is item n`,
      );
    }
  });

  it('refuses a column beside the vectors that may be the ids, unless it is named', async () => {
    const path = join(folder, 'vectors.parquet');
    await writeParquet(path, {
      item_id: { type: 'string', values: ['b', 'a'] },
      embedding: { type: 'list<double>', values: [[2], [1]] },
    });
    await expect(loadPrecomputedEmbeddings({ path, itemIds: ['a', 'b'] })).rejects.toThrow(
      'must say which item each row is of, got the columns item_id beside its vectors; name the column of ids as idColumn',
    );
    const { values } = await loadPrecomputedEmbeddings({ path, itemIds: ['a', 'b'], idColumn: 'item_id' });
    expect(values).toEqual(Float32Array.of(1, 2));
  });

  it.each(['arrow', 'feather'])('matches the rows of an .%s file by id and ignores other items', async (extension) => {
    for (const type of [
      new List(new Field('item', new Float32())),
      new FixedSizeList(2, new Field('item', new Float32())),
    ]) {
      const rows = [
        [5, 6],
        [9, 9],
        [1, 2],
        [3, 4],
      ];
      const path = await writeArrow(`vectors.${extension}`, rows, ['c', 'other', 'a', 'b'], type as List<Float32>);
      expect(await loadPrecomputedEmbeddings({ path, itemIds })).toEqual(inOrder);
    }
  });

  it('matches the rows of a Parquet file by id, whatever the columns are called', async () => {
    const path = join(folder, 'vectors.parquet');
    await writeParquet(path, {
      asin: { type: 'int32', values: Int32Array.of(30, 10, 20) },
      vector: {
        type: 'list<double>',
        values: [
          [5, 6],
          [1, 2],
          [3, 4],
        ],
      },
    });
    const options = { path, itemIds: ['10', '20', '30'], column: 'vector', idColumn: 'asin' };
    expect(await loadPrecomputedEmbeddings(options)).toEqual(inOrder);
  });

  it('names ids that have no vector, and ids that have two', async () => {
    const path = await writeWithIds(
      ['a', 'x'],
      [
        [1, 2],
        [3, 4],
      ],
    );
    await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(
      `data: ${path} must have a vector for each of 3 items, got none for 2: b, c`,
    );
    await writeWithIds(['a', 'b', 'c', 'b'], [[1], [2], [3], [4]]);
    await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(
      `data: ${path} must hold each item once, got item b in rows 1 and 3`,
    );
  });

  it('refuses another row count where rows have no ids', async () => {
    const path = await writeArrow('vectors.arrow', [
      [1, 2],
      [3, 4],
    ]);
    await expect(loadPrecomputedEmbeddings({ path, itemIds, inItemOrder: true })).rejects.toThrow(
      `data: ${path} must have one row for each of 3 items, got 2 rows`,
    );
  });

  it('refuses another width than expected, and rows of different widths', async () => {
    const path = await writeWithIds(itemIds, [[1, 2], [3, 4], [5]]);
    await expect(loadPrecomputedEmbeddings({ path, itemIds, dim: 768 })).rejects.toThrow(
      `data: ${path} must have vectors of width 768, got width 2 in row 0 (item a)`,
    );
    await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(
      `data: ${path} must have vectors of width 2, got width 1 in row 2 (item c)`,
    );
  });

  it('refuses values that are not finite, and missing ones', async () => {
    const path = await writeWithIds(
      ['b', 'a', 'c'],
      [
        [1, 2],
        [3, Number.NaN],
        [5, 6],
      ],
    );
    await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(
      `data: ${path} must have finite values, got NaN in row 1 (item a), column 1`,
    );
    const beyondFloat32 = await writeWithIds(itemIds, [[1], [1e39], [1]]);
    await expect(loadPrecomputedEmbeddings({ path: beyondFloat32, itemIds })).rejects.toThrow('got 1e+39 in row 1');
    const arrow = await writeArrow('vectors.arrow', [[1, 2], null, [5, 6]]);
    await expect(loadPrecomputedEmbeddings({ path: arrow, itemIds, inItemOrder: true })).rejects.toThrow(
      'got width 0 in row 1 (item b)',
    );
  });

  it('names the columns or tensors there are when the wanted one is missing', async () => {
    const path = await writeWithIds(itemIds, [[1], [2], [3]]);
    await expect(loadPrecomputedEmbeddings({ path, itemIds, column: 'vector' })).rejects.toThrow(
      `data: ${path} must have a column or tensor vector, got id, embedding; name one of those`,
    );
    await expect(loadPrecomputedEmbeddings({ path, itemIds, idColumn: 'asin' })).rejects.toThrow(
      'column or tensor asin',
    );
    const scalars = join(folder, 'scalars.arrow');
    await writeFile(scalars, tableToIPC(tableFromArrays({ embedding: Float32Array.of(1, 2, 3) }), 'file'));
    await expect(loadPrecomputedEmbeddings({ path: scalars, itemIds })).rejects.toThrow(
      'must hold lists of numbers, got Float32',
    );
    const flat = join(folder, 'flat.safetensors');
    await writeFile(flat, encodeSafetensors({ x: { dtype: 'F32', shape: [6], data: inOrder.values } }));
    await expect(loadPrecomputedEmbeddings({ path: flat, itemIds, inItemOrder: true })).rejects.toThrow(
      'must hold a matrix of items by width, got shape [6]',
    );
  });

  it('refuses ids for formats that hold none, and formats it does not know', async () => {
    const path = join(folder, 'vectors.npy');
    await expect(loadPrecomputedEmbeddings({ path, itemIds, idColumn: 'id' })).rejects.toThrow(
      'data: idColumn must be left out',
    );
    await expect(loadPrecomputedEmbeddings({ path: 'vectors.csv', itemIds })).rejects.toThrow(
      'data: embeddings must be an .arrow, .parquet, .npy, .npy.gz or .safetensors file, got vectors.csv',
    );
  });

  it('says when an Arrow file is damaged', async () => {
    const path = await writeArrow('vectors.arrow', [
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    await writeFile(path, 'not arrow');
    await expect(loadPrecomputedEmbeddings({ path, itemIds })).rejects.toThrow(`data: ${path} must`);
  });
});
