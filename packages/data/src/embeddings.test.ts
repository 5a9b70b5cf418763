import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tableFromIPC, tableToIPC } from 'apache-arrow';
import { beforeEach, describe, expect, it } from 'vitest';
import { joinEmbeddings, readEmbeddings, writeEmbeddings } from './embeddings.js';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'embeddings-')), 'item-embeddings.arrow');
});

const sequence = (rows: number, dim: number) => ({
  values: Float32Array.from({ length: rows * dim }, (_, i) => Math.fround(i / 7)),
  rows,
  dim,
});

describe('writeEmbeddings and readEmbeddings', () => {
  it.each([0, 1, 1023, 1024, 2500])('give back %i rows of 3', async (rows) => {
    await writeEmbeddings(path, sequence(rows, 3), 'tfidf-svd');
    expect(await readEmbeddings(path, { rows, dim: 3 })).toEqual({ ...sequence(rows, 3), encoder: 'tfidf-svd' });
  });

  it('write the same bytes twice', async () => {
    await writeEmbeddings(path, sequence(1500, 2), 'x');
    const first = await readFile(path);
    await writeEmbeddings(path, sequence(1500, 2), 'x');
    expect(await readFile(path)).toEqual(first);
  });

  it('refuse values that are not finite and leave no file', async () => {
    const embeddings = sequence(3, 4);
    embeddings.values[6] = Number.NaN;
    await expect(writeEmbeddings(path, embeddings, 'x')).rejects.toThrow(
      `data: ${path} must have finite values, got NaN in row 1, column 2`,
    );
    embeddings.values[6] = Number.NEGATIVE_INFINITY;
    await expect(writeEmbeddings(path, embeddings, 'x')).rejects.toThrow('got -Infinity in row 1, column 2');
    expect(await readdir(dirname(path))).toEqual([]);
  });

  it('refuse a shape that the values do not have', async () => {
    await expect(writeEmbeddings(path, { ...sequence(3, 4), rows: 4 }, 'x')).rejects.toThrow(
      `data: ${path} must have 4 x 4 values, got 12`,
    );
  });
});

describe('the file', () => {
  it('is one FixedSizeList column in batches of 1,024 rows, with the encoder as metadata', async () => {
    await writeEmbeddings(path, sequence(2500, 3), 'tfidf-svd');
    const table = tableFromIPC(await readFile(path));
    expect(String(table.schema.fields[0].type)).toBe('FixedSizeList[3]<Float32>');
    expect(table.batches.map((batch) => batch.numRows)).toEqual([1024, 1024, 452]);
    expect(Object.fromEntries(table.schema.metadata)).toEqual({ encoder: 'tfidf-svd', dim: '3' });
  });
});

describe('readEmbeddings', () => {
  it('names the file when rows or width are not the expected ones', async () => {
    await writeEmbeddings(path, sequence(2, 3), 'x');
    await expect(readEmbeddings(path, { dim: 768 })).rejects.toThrow(
      `data: ${path} must have vectors of width 768, got width 3`,
    );
    await expect(readEmbeddings(path, { rows: 12_101 })).rejects.toThrow(
      `data: ${path} must have one row for each of 12101 items, got 2 rows`,
    );
  });

  it('finds a value that is not finite', async () => {
    await writeEmbeddings(path, sequence(2, 3), 'x');
    const bytes = await readFile(path);
    const at = bytes.indexOf(Buffer.from(Float32Array.of(3 / 7).buffer));
    bytes.writeFloatLE(Number.NaN, at);
    await writeFile(path, bytes);
    await expect(readEmbeddings(path)).rejects.toThrow(
      `data: ${path} must have finite values, got NaN in row 1, column 0`,
    );
  });

  it('says when the file is something else', async () => {
    await writeFile(path, 'user,item\n1,2\n');
    await expect(readEmbeddings(path)).rejects.toThrow(`data: ${path} must be`);
    await writeEmbeddings(path, sequence(2, 3), 'x');
    await writeFile(path, tableToIPC(tableFromIPC(await readFile(path)), 'stream'));
    await expect(readEmbeddings(path)).rejects.toThrow(`data: ${path} must be an Arrow`);
    await writeEmbeddings(path, sequence(2, 3), 'x');
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -40));
    await expect(readEmbeddings(path)).rejects.toThrow(`data: ${path} must be a readable Arrow file`);
    await writeFile(path, bytes.fill(0xff, 8, bytes.length / 2));
    await expect(readEmbeddings(path)).rejects.toThrow(`data: ${path} must be a readable Arrow file`);
    await expect(readEmbeddings(`${path}.none`)).rejects.toThrow(`data: ${path}.none must be a readable Arrow file`);
  });
});

describe('joinEmbeddings', () => {
  it('puts unit vectors side by side, each with its share of the squared length', () => {
    const first = { values: Float32Array.of(3, 4, 0, 0), rows: 2, dim: 2 };
    const second = { values: Float32Array.of(-2, 5), rows: 2, dim: 1 };
    const { values, rows, dim } = joinEmbeddings(first, second, 0.36);
    expect([rows, dim]).toEqual([2, 3]);
    for (const [i, x] of [0.48, 0.64, -0.6, 0, 0, 0.6].entries()) expect(values[i]).toBeCloseTo(x, 6);
  });

  it('refuses vectors of other items', () => {
    const one = { values: Float32Array.of(1), rows: 1, dim: 1 };
    const two = { values: Float32Array.of(1, 2), rows: 2, dim: 1 };
    expect(() => joinEmbeddings(one, two, 0.5)).toThrow('of the same items, got 1 and 2 rows');
  });
});
