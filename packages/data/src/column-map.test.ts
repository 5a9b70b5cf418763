import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InteractionMap, type ItemMap, readMappedInteractions, readMappedItems } from './column-map.js';
import { collectInteractions } from './interactions.js';
import type { ToleranceOptions } from './read-lines.js';
import { writeParquet } from './tables.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-columns-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const columns = { user: 'who', item: 'what', timestamp: 'when', rating: 'stars' };
const interactions = (path: string, map: InteractionMap = { columns }, options?: ToleranceOptions) =>
  Readable.from(readMappedInteractions(path, map, options)).toArray();
const items = (path: string, map: ItemMap) => Readable.from(readMappedItems(path, map)).toArray();

const expected = [
  { user: 'a', item: '1', timestamp: 10, rating: 4.5 },
  { user: 'b, "c"', item: '2', timestamp: 20, rating: 3 },
];

describe('readMappedInteractions', () => {
  it('reads CSV with quoted fields, whatever the order of columns, gzip or not', async () => {
    const csv = '\ufeffwhat,who,extra,stars,when\r\n1,a,x,4.5,10\r\n\r\n2,"b, ""c""","two\nlines",3,20\r\n';
    expect(await interactions(await fileOf('plain.csv', csv))).toEqual(expected);
    expect(await interactions(await fileOf('zipped.csv.gz', gzipSync(csv)))).toEqual(expected);
  });

  it('reads TSV, other delimiters and files without a header', async () => {
    const tsv = 'who\twhat\twhen\tstars\na\t1\t10\t4.5\nb, "c"\t2\t20\t3\n';
    expect(await interactions(await fileOf('rows.tsv', tsv))).toEqual(expected);
    const dat = await fileOf('rows.dat', 'a::1::4.5::10\nb, "c"::2::3::20\n');
    const map = { columns: { user: '1', item: '2', rating: '3', timestamp: '4' }, header: false } as const;
    expect(await interactions(dat, { ...map, format: 'csv', delimiter: '::', quotes: false })).toEqual(expected);
  });

  it('reads JSONL', async () => {
    const jsonl =
      '{"who": "a", "what": 1, "when": 10, "stars": 4.5}\n{"who": "b, \\"c\\"", "what": "2", "when": "20", "stars": "3"}\n';
    expect(await interactions(await fileOf('rows.jsonl', jsonl))).toEqual(expected);
  });

  it('reads Parquet over row groups, with int64 and timestamp columns', async () => {
    const filename = join(folder, 'rows.parquet');
    parquetWriteFile({
      filename,
      rowGroupSize: 2,
      columnData: [
        { name: 'who', data: ['a', 'b', 'c', 'd', 'e'], type: 'STRING' },
        { name: 'what', data: [1n, 2n, 3n, 4n, 5n], type: 'INT64' },
        { name: 'when', data: [1, 2, 3, 4, 5].map((second) => new Date(second * 1000)), type: 'TIMESTAMP' },
      ],
    });
    const map = { columns: { user: 'who', item: 'what', timestamp: 'when' } };
    const rows = await interactions(filename, map);
    expect(rows.map(({ user, item, timestamp }) => `${user}:${item}@${timestamp}`).join(' ')).toBe(
      'a:1@1 b:2@2 c:3@3 d:4@4 e:5@5',
    );
    await expect(interactions(filename)).rejects.toThrow(
      /rows\.parquet must have the columns stars, got who, what, when; correct the column map/,
    );
    await expect(interactions(await fileOf('no.parquet', 'PAR?'))).rejects.toThrow('must be a readable Parquet file');
  });

  it('reads milliseconds and ISO dates, without a zone as UTC', async () => {
    const map = { columns: { user: 'u', item: 'i', timestamp: 't' } };
    const times = ['2014-04-06T20:21:58.444Z', '2014-04-06 20:21:58', '2014-04-06', '2014-04-06T22:21:58+02:00'];
    const iso = await fileOf('iso.csv', `u,i,t\n${times.map((time) => `a,b,${time}`).join('\n')}`);
    expect((await interactions(iso, map)).map(({ timestamp }) => timestamp)).toEqual([
      1396815718.444, 1396815718, 1396742400, 1396815718,
    ]);
    const ms = await fileOf('ms.csv', 'u,i,t\na,b,1588687728923\n');
    expect(await interactions(ms, { ...map, timestampUnit: 'milliseconds' })).toMatchObject([
      { timestamp: 1588687728.923 },
    ]);
    await expect(interactions(ms, map)).rejects.toThrow(
      '"t" must lie before the year 2100, got "1588687728923" seconds',
    );
  });

  it('names missing columns and those that are there', async () => {
    const path = await fileOf('semicolons.csv', 'who;what;when\na;1;10\n');
    await expect(interactions(path)).rejects.toThrow(
      /semicolons\.csv must have the columns who, what, when, stars, got who;what;when; correct the column map or the delimiter/,
    );
  });

  it('passes over rows of another width or without an id or time, counts them, and stops at too many', async () => {
    const path = await fileOf('bad.csv', 'who,what,when,stars\na,1,10,4.5\nb,2\n,3,30,1\nd,4,soon,1\n');
    await expect(interactions(path)).rejects.toThrow(
      /bad\.csv must have at most 1 unreadable lines of 4 .* got 3, the first in line 3: a row must have 4 fields, got 2/,
    );
    const told: unknown[] = [];
    const rows = await interactions(path, undefined, { tolerance: 0.75, onBadLines: (bad) => told.push(bad) });
    expect(rows).toEqual(expected.slice(0, 1));
    expect(told).toMatchObject([{ lines: 4, bad: 3 }]);
    for (const [row, reason] of [
      [',3,30,1', '"who" must be an id, got ""'],
      ['d,4,soon,1', '"when" must be a number or an ISO date, got "soon"'],
      ['d,4,,1', '"when" must be a number or an ISO date, got ""'],
      ['d,4,2014-13-45,1', '"when" must be a date of the calendar, got "2014-13-45"'],
      ['d,4,2023-02-29,1', '"when" must be a date of the calendar, got "2023-02-29"'],
      ['d,4,10,', '"stars" must be a number, got "": leave the column out if ratings may be missing'],
    ]) {
      const one = await fileOf('one.csv', `who,what,when,stars\n${row}\n`);
      await expect(interactions(one)).rejects.toThrow(`the first in line 2: ${reason}`);
    }
  });

  it('tells of what lies between two stray quotes, with the line of the first', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `u${i},${i % 2000 === 9 ? '"' : ''}i${i},${i}`);
    const map = { columns: { user: 'user', item: 'item', timestamp: 'time' } };
    const strayed = await fileOf('strayed.csv', `user,item,time\n${lines.slice(0, 4000).join('\n')}\n`);
    await expect(interactions(strayed, map)).rejects.toThrow(
      /strayed\.csv must have at most 4 unreadable lines of 4000 .*, got 2001, the first in line 11: a quote must be closed/,
    );
    const closed = await fileOf('closed.csv', 'user,item,time\na,"x,1\nb,y",2\nc,z,3\n');
    await expect(interactions(closed, map)).rejects.toThrow(
      /got 2, the first in line 2: "item" must be an id, got "x,1/,
    );
    const wide = await fileOf('wide.csv', 'user,item,time\n"a,x,1\nb,y,2\nc",z,3,4\nd,w,4\n');
    await expect(interactions(wide, map)).rejects.toThrow(
      /got 3, the first in line 2: a row must have 3 fields, got 4/,
    );
  });

  it('passes over lines of blanks, and names a file that is empty or has a column twice', async () => {
    const map = { columns: { user: 'user', item: 'item', timestamp: 'time' } };
    const blank = await fileOf('blank.csv', 'user,item,time\na,x,1\n  \n"b",y,2\n \n');
    expect(await interactions(blank, map, { tolerance: 0 })).toHaveLength(2);
    await expect(interactions(await fileOf('empty.csv', ''), map)).rejects.toThrow(
      /empty\.csv must have the columns user, item, time, got none; the file is empty/,
    );
    await expect(interactions(await fileOf('twice.csv', 'user,item,time,time\na,x,1,9\n'), map)).rejects.toThrow(
      /twice\.csv must have one column time, got user, item, time, time; rename the others/,
    );
  });

  it('names a damaged Parquet file, and ids in it that floats made one or none', async () => {
    const map = { columns: { user: 'u', item: 'i', timestamp: 't' } };
    const path = join(folder, 'floats.parquet');
    const write = (u: number[], i: number[]) =>
      writeParquet(path, {
        u: { type: 'double', values: Float64Array.from(u) },
        i: { type: 'float', values: Float32Array.from(i) },
        t: { type: 'int32', values: Int32Array.from(u.keys()) },
      });
    await write([1, 2], [16777215, 16777217]);
    await expect(interactions(path, map)).rejects.toThrow(
      /ids of .*floats\.parquet must be exact, got about 16777216 as a 32 bit float in "i"/,
    );
    await write([1, Number.NaN], [1, 2]);
    await expect(interactions(path, map, { tolerance: 0 })).rejects.toThrow('in line 2: "u" must be an id, got NaN');
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xff, 4, 40));
    await expect(interactions(path, map)).rejects.toThrow(/floats\.parquet must be a readable Parquet file, got/);
  });

  it('stops at text that is not UTF-8, in which ids that differ would become one', async () => {
    const map = { columns: { user: 'user', item: 'item', timestamp: 'time' } } as const;
    const plain = Buffer.from('user,item,time\nJos\xe9,x,1\nJos\xe8,x,2\n', 'latin1');
    const quoted = Buffer.from('user,item,time\n"Jos\xe9",x,1\nJos\xe8,x,2\n', 'latin1');
    for (const bytes of [plain, quoted]) {
      const path = await fileOf('latin1.csv', bytes);
      await expect(interactions(path, map)).rejects.toThrow(/latin1\.csv:2 must be UTF-8, got .*set encoding: latin1/);
      const rows = await interactions(path, { ...map, encoding: 'latin1' });
      expect(rows.map(({ user }) => user)).toEqual(['José', 'Josè']);
    }
    expect(await interactions(await fileOf('mangled.csv', 'user,item,time\nJos\ufffd,x,1\n'), map)).toHaveLength(1);
  });

  it('stops at a quote that is never closed, as it would swallow what follows', async () => {
    const path = await fileOf('open.csv', 'who,what,when,stars\na,1,10,4.5\n"b,2,20,1\nc,3,30,1\n');
    await expect(interactions(path)).rejects.toThrow(
      /open\.csv must be delimited text, got "Quote Not Closed.*turn quotes off/,
    );
    const long = await fileOf('long.csv', `who,what,when,stars\na,"${'x\n'.repeat(600_000)}`);
    await expect(interactions(long)).rejects.toThrow(/long\.csv must be delimited text, got "Max Record Size/);
    const cut = await fileOf('cut.csv.gz', gzipSync('who,what,when,stars\n'.repeat(999)).subarray(0, 40));
    await expect(interactions(cut)).rejects.toThrow('cut.csv.gz must be a complete gzip file');
  });

  it('refuses unknown keys of the map and unknown formats', () => {
    // @ts-expect-error The type refuses it too.
    expect(() => readMappedInteractions('x.csv', { columns: { ...columns, prise: 'p' } })).toThrow(
      /[Uu]nrecognized key.*prise/s,
    );
    expect(() => readMappedInteractions('x.xlsx', { columns })).toThrow('data: x.xlsx must end in .csv');
  });

  it.skipIf(!data)('reads MovieLens and session logs (needs CODEBEAM_DATA)', async () => {
    const ratings = readMappedInteractions(join(data!, 'ml-latest-small', 'ratings.csv.gz'), {
      columns: { user: 'userId', item: 'movieId', timestamp: 'timestamp', rating: 'rating' },
    });
    const { userIds, users } = await collectInteractions(ratings);
    expect([userIds.length, users.length]).toEqual([671, 100_004]);
    const clicks = readMappedInteractions(join(data!, 'raw_samples', 'yoochoose-clicks.sample.dat.gz'), {
      columns: { user: '1', item: '3', timestamp: '2' },
      header: false,
      format: 'csv',
    });
    expect((await collectInteractions(clicks)).timestamps[0]).toBe(1396815718.444);
  });
});

describe('readMappedItems', () => {
  it('splits categories into tags and tags into paths, and leaves out what is empty', async () => {
    const map = { columns: { id: 'id', title: 'name', categories: 'tags', price: 'price' } };
    const csv = 'id,name,tags,price\n1,"Dye, red",Hair > Dye|Colour,"$1,025.50"\n2,,,\n';
    expect(await items(await fileOf('items.csv', csv), map)).toEqual([
      { id: '1', title: 'Dye, red', categories: [['Hair', 'Dye'], ['Colour']], price: 1025.5 },
      { id: '2' },
    ]);
  });

  it('takes a quote alone for text in TSV, where each line is a row', async () => {
    const tsv = 'id\ttitle\n1\t"Best soap\n2\t"Soap, ""green"""\n3\tMonitor 24"\n4\t"Heroes" and more\n';
    const titles = ['"Best soap', 'Soap, "green"', 'Monitor 24"', '"Heroes" and more'];
    const map = { columns: { id: 'id', title: 'title' } };
    expect(await items(await fileOf('items.tsv', tsv), map)).toEqual(
      titles.map((title, i) => ({ id: `${i + 1}`, title })),
    );
    const long = await fileOf('long.tsv', 'id\ttitle\n1\t"two\nlines"\n');
    expect(await items(long, { ...map, format: 'csv', delimiter: '\t' })).toEqual([{ id: '1', title: 'two\nlines' }]);
  });

  it('keeps fields of several lines in CSV', async () => {
    const csv = 'id,title,brand\n1,"He said ""no"",\n\nand left",A\n2,24" screen,"B\nC"\n';
    const map = { columns: { id: 'id', title: 'title', brand: 'brand' } };
    expect(await items(await fileOf('long.csv', csv), map)).toEqual([
      { id: '1', title: 'He said "no",\n\nand left', brand: 'A' },
      { id: '2', title: '24" screen', brand: 'B\nC' },
    ]);
  });

  it('names a column that no row of JSONL has', async () => {
    const jsonl = await fileOf('named.jsonl', '{"id": 1}\n{"id": 2, "title": "x"}\n');
    expect(await items(jsonl, { columns: { id: 'id', title: 'title' } })).toHaveLength(2);
    await expect(items(jsonl, { columns: { id: 'id', title: 'titel' } })).rejects.toThrow(
      /named\.jsonl must have the columns titel, got id, title; correct the column map/,
    );
  });

  it('takes integers for names, and prices with a decimal comma', async () => {
    const path = join(folder, 'integers.parquet');
    await writeParquet(path, {
      id: { type: 'int64', values: BigInt64Array.of(1n) },
      brand: { type: 'int64', values: BigInt64Array.of(77n) },
      tag: { type: 'int64', values: BigInt64Array.of(5n) },
    });
    expect(await items(path, { columns: { id: 'id', brand: 'brand', categories: 'tag' } })).toEqual([
      { id: '1', brand: '77', categories: [['5']] },
    ]);
    const prices = {
      '€12,50': 12.5,
      '1.234,50 €': 1234.5,
      '$1,234.50': 1234.5,
      '1,234': 1234,
      '12.50': 12.5,
      '1,2,3': undefined,
      '12,345,6': undefined,
      '$1 - $2': undefined,
    };
    const rows = Object.keys(prices).map((price, id) => JSON.stringify({ id, price }));
    const read = await items(await fileOf('prices.jsonl', rows.join('\n')), { columns: { id: 'id', price: 'price' } });
    expect(read.map(({ price }) => price)).toEqual(Object.values(prices));
  });

  it('takes lists of tags and lists of paths from JSONL', async () => {
    const jsonl =
      '{"id": 1, "tags": ["Action", "Drama"]}\n{"id": 2, "tags": [["Hair", "Dye"]], "price": 3}\n{"id": 3, "tags": []}\n';
    const map = { columns: { id: 'id', categories: 'tags', price: 'price' } };
    expect(await items(await fileOf('items.jsonl', jsonl), map)).toEqual([
      { id: '1', categories: [['Action'], ['Drama']] },
      { id: '2', categories: [['Hair', 'Dye']], price: 3 },
      { id: '3' },
    ]);
  });
});
