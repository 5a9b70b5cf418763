import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Column, readParquet, writeParquet } from './tables.js';

interface ParquetJs {
  ParquetReader: {
    openFile(path: string): Promise<{ getCursor(): { next(): Promise<unknown> }; close(): Promise<void> }>;
  };
}
const parquetJs: ParquetJs = createRequire(import.meta.url)('parquetjs-lite');

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'tables-')), 'table.parquet');
});

const columns = {
  item: { type: 'int32', values: Int32Array.of(0, -5, 2 ** 31 - 1) },
  big: { type: 'int64', values: BigInt64Array.of(0n, -(2n ** 63n), 2n ** 60n) },
  score: { type: 'float', values: Float32Array.of(0.5, -1.25, 3) },
  ratio: { type: 'double', values: Float64Array.of(0.1, -2.5, 1e300) },
  price: { type: 'double', values: [9.99, null, undefined] },
  time: { type: 'timestamp', values: Float64Array.of(0, 1_385_856_000, 1_385_856_000.125) },
  used: { type: 'boolean', values: [true, false, true] },
  id: { type: 'string', values: ['B00', null, 'Crème 😀'] },
  codes: { type: 'list<int32>', values: [Int32Array.of(1, 2, 3), [], [-4]] },
  weights: { type: 'list<double>', values: [[0.5], [1, 2], []] },
  tags: { type: 'list<string>', values: [['a', 'b'], [], ['ü']] },
} as const satisfies Record<string, Column>;

const types = Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type])) as {
  [K in keyof typeof columns]: (typeof columns)[K]['type'];
};

async function query(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function readWithParquetJs(file: string): Promise<unknown[]> {
  const reader = await parquetJs.ParquetReader.openFile(file);
  const cursor = reader.getCursor();
  const rows = [];
  for (let row = await cursor.next(); row; row = await cursor.next()) rows.push(row);
  await reader.close();
  return rows;
}

describe('writeParquet and readParquet', () => {
  it('give every column type back as it was', async () => {
    await writeParquet(path, columns);
    const table = await readParquet(path, types);
    expect(table.item).toEqual(columns.item.values);
    expect(table.big).toEqual(columns.big.values);
    expect(table.score).toEqual(columns.score.values);
    expect(table.ratio).toEqual(columns.ratio.values);
    expect(table.price).toEqual(Float64Array.of(9.99, Number.NaN, Number.NaN));
    expect(table.time).toEqual(columns.time.values);
    expect(table.used).toEqual(columns.used.values);
    expect(table.id).toEqual(columns.id.values);
    expect(table.codes).toEqual([Int32Array.of(1, 2, 3), Int32Array.of(), Int32Array.of(-4)]);
    expect(table.weights).toEqual([Float64Array.of(0.5), Float64Array.of(1, 2), Float64Array.of()]);
    expect(table.tags).toEqual(columns.tags.values);
  });

  it('give typed arrays for numbers without a schema', async () => {
    await writeParquet(path, columns);
    const table = await readParquet(path);
    expect(Object.keys(table)).toEqual(Object.keys(columns));
    for (const name of ['item', 'big', 'score', 'ratio', 'time'] as const) {
      expect(table[name]).toEqual(columns[name].values);
    }
  });

  it('keep rows in order across row groups', async () => {
    const values = Int32Array.from({ length: 250_001 }, (_, i) => i * 7);
    await writeParquet(path, { values: { type: 'int32', values } });
    expect((await readParquet(path, { values: 'int32' })).values).toEqual(values);
  });

  it('keep a table without rows', async () => {
    await writeParquet(path, { id: { type: 'string', values: [] }, codes: { type: 'list<int32>', values: [] } });
    expect(await readParquet(path, { id: 'string', codes: 'list<int32>' })).toEqual({ id: [], codes: [] });
  });

  it('round-trip any strings and lists', async () => {
    const rows = fc.array(
      fc.tuple(fc.option(fc.string({ unit: 'grapheme' })), fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))),
    );
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        const id = table.map(([value]) => value);
        const codes = table.map(([, list]) => Int32Array.from(list));
        await writeParquet(path, { id: { type: 'string', values: id }, codes: { type: 'list<int32>', values: codes } });
        expect(await readParquet(path, { id: 'string', codes: 'list<int32>' })).toEqual({ id, codes });
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('write the same bytes twice', async () => {
    await writeParquet(path, columns);
    const first = await readFile(path);
    await writeParquet(path, columns);
    expect(await readFile(path)).toEqual(first);
  });
});

describe('a written file', () => {
  it('opens in DuckDB with the right types and values', async () => {
    await writeParquet(path, columns);
    const described = (await query(`describe select * from '${path}'`)) as string[][];
    expect(Object.fromEntries(described.map(([name, type]) => [name, type]))).toEqual({
      item: 'INTEGER',
      big: 'BIGINT',
      score: 'FLOAT',
      ratio: 'DOUBLE',
      price: 'DOUBLE',
      time: 'TIMESTAMP WITH TIME ZONE',
      used: 'BOOLEAN',
      id: 'VARCHAR',
      codes: 'INTEGER[]',
      weights: 'DOUBLE[]',
      tags: 'VARCHAR[]',
    });
    expect(await query(`select item, big, price, epoch(time), used, id, codes, tags from '${path}'`)).toEqual([
      [0, '0', 9.99, 0, true, 'B00', [1, 2, 3], ['a', 'b']],
      [-5, String(-(2n ** 63n)), null, 1_385_856_000, false, null, [], []],
      [2 ** 31 - 1, String(2n ** 60n), null, 1_385_856_000.125, true, 'Crème 😀', [-4], ['ü']],
    ]);
  });

  it('opens in parquetjs-lite with the right values', async () => {
    await writeParquet(path, columns);
    const list = (values: readonly unknown[]) => ({ list: values.map((element) => ({ element })) });
    const [first, second, third] = await readWithParquetJs(path);
    expect(first).toEqual({
      item: 0,
      big: 0n,
      score: 0.5,
      ratio: 0.1,
      price: 9.99,
      time: 0n,
      used: true,
      id: 'B00',
      codes: list([1, 2, 3]),
      weights: list([0.5]),
      tags: list(['a', 'b']),
    });
    expect(second).toMatchObject({ item: -5, big: -(2n ** 63n), time: 1_385_856_000_000n, used: false });
    expect(third).toMatchObject({ item: 2 ** 31 - 1, big: 2n ** 60n, id: 'Crème 😀', codes: list([-4]) });
  });

  it('gives parquetjs-lite every row of a table with repeated values', async () => {
    const rows = 30_000;
    const values = Int32Array.from({ length: rows }, (_, i) => i % 3);
    const id = Array.from({ length: rows }, (_, i) => `u${i % 5}`);
    const used = Array.from({ length: rows }, (_, i) => i % 2 === 0);
    await writeParquet(path, {
      values: { type: 'int32', values },
      id: { type: 'string', values: id },
      used: { type: 'boolean', values: used },
    });
    const read = (await readWithParquetJs(path)) as { values: number; id: string; used: boolean }[];
    expect(read).toEqual(id.map((id, i) => ({ values: values[i], id, used: used[i] })));
  });
});

describe('readParquet', () => {
  it('reads files of DuckDB: dictionaries, ZSTD, decimals, missing integers, unsigned', async () => {
    await query(
      `copy (select (i % 2)::int as item, i::bigint as big, 1.5::decimal(4, 2) as price, i::uinteger as count,
        if(i = 1, null, i)::int as gap, timestamp '2013-12-01' as time, date '2013-12-01' as day, [i, i]::int[] as codes, 'x' || i as id
        from range(3) t(i)) to '${path}' (format parquet, compression zstd)`,
    );
    expect(await readParquet(path)).toEqual({
      item: Int32Array.of(0, 1, 0),
      big: BigInt64Array.of(0n, 1n, 2n),
      price: Float64Array.of(1.5, 1.5, 1.5),
      count: Float64Array.of(0, 1, 2),
      gap: [0, null, 2],
      time: new Float64Array(3).fill(1_385_856_000),
      day: new Float64Array(3).fill(1_385_856_000),
      codes: [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
      id: ['x0', 'x1', 'x2'],
    });
    expect(await readParquet(path, { big: 'int32', item: 'double', gap: 'double' })).toEqual({
      big: Int32Array.of(0, 1, 2),
      item: Float64Array.of(0, 1, 0),
      gap: Float64Array.of(0, Number.NaN, 2),
    });
  });

  it('names the file and its columns when one is missing', async () => {
    await writeParquet(path, { user: { type: 'int32', values: Int32Array.of(1) } });
    await expect(readParquet(path, { item: 'int32' })).rejects.toThrow(
      `data: ${path} must have a column item, got user`,
    );
  });

  it('names the row of a value that does not fit', async () => {
    await writeParquet(path, {
      big: { type: 'int64', values: BigInt64Array.of(1n, 2n ** 40n) },
      codes: { type: 'list<double>', values: [[1], [1, 1.5]] },
    });
    await expect(readParquet(path, { big: 'int32' })).rejects.toThrow(
      `data: column big of ${path} must hold int32 values, got 1099511627776 in row 1`,
    );
    await expect(readParquet(path, { codes: 'list<int32>' })).rejects.toThrow(
      `data: column codes of ${path} (list in row 1) must hold int32 values, got 1.5 in row 1`,
    );
    await expect(readParquet(path, { big: 'string' })).rejects.toThrow('must hold string values, got 1 in row 0');
  });

  it('says when a file is no Parquet file, or cut short', async () => {
    await writeFile(path, 'user,item\n1,2\n');
    await expect(readParquet(path)).rejects.toThrow(`data: ${path} must be a readable Parquet file, got`);
    const whole = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'a', data: [1, 2, 3] }] }));
    await writeFile(path, whole.subarray(0, whole.length - 20));
    await expect(readParquet(path)).rejects.toThrow(`data: ${path} must be a readable Parquet file, got`);
  });
});

describe('writeParquet', () => {
  it('refuses columns of different lengths', async () => {
    const short: Column = { type: 'string', values: ['x'] };
    await expect(writeParquet(path, { item: { type: 'int32', values: Int32Array.of(1, 2) }, short })).rejects.toThrow(
      `data: column short of ${path} must have 2 rows like the first column, got 1`,
    );
  });

  it('refuses list values that are no int32, and times that are no number', async () => {
    await expect(writeParquet(path, { codes: { type: 'list<int32>', values: [[1], [2 ** 31]] } })).rejects.toThrow(
      `data: column codes of ${path} must hold int32 values, got 2147483648 in row 1`,
    );
    await expect(
      writeParquet(path, { time: { type: 'timestamp', values: Float64Array.of(Number.NaN) } }),
    ).rejects.toThrow(`data: column time of ${path} must hold unix seconds, got NaN in row 0`);
  });
});
