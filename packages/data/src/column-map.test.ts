import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InteractionMap, type ItemMap, readMappedInteractions, readMappedItems } from './column-map.js';
import { collectInteractions } from './interactions.js';
import type { ToleranceOptions } from './read-lines.js';

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
  { user: 'b, "c"', item: '2', timestamp: 20 },
];

describe('readMappedInteractions', () => {
  it('reads CSV with quoted fields, whatever the order of columns, gzip or not', async () => {
    const csv = '\ufeffwhat,who,extra,stars,when\r\n1,a,x,4.5,10\r\n\r\n2,"b, ""c""","two\nlines",,20\r\n';
    expect(await interactions(await fileOf('plain.csv', csv))).toEqual(expected);
    expect(await interactions(await fileOf('zipped.csv.gz', gzipSync(csv)))).toEqual(expected);
  });

  it('reads TSV, other delimiters and files without a header', async () => {
    const tsv = 'who\twhat\twhen\tstars\na\t1\t10\t4.5\nb, "c"\t2\t20\t\n';
    expect(await interactions(await fileOf('rows.tsv', tsv))).toEqual(expected);
    const dat = await fileOf('rows.dat', 'a::1::4.5::10\nb, "c"::2::::20\n');
    const map = { columns: { user: '1', item: '2', rating: '3', timestamp: '4' }, header: false } as const;
    expect(await interactions(dat, { ...map, format: 'csv', delimiter: '::', quotes: false })).toEqual(expected);
  });

  it('reads JSONL', async () => {
    const jsonl =
      '{"who": "a", "what": 1, "when": 10, "stars": 4.5}\n{"who": "b, \\"c\\"", "what": "2", "when": "20"}\n';
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
    ]) {
      const one = await fileOf('one.csv', `who,what,when,stars\n${row}\n`);
      await expect(interactions(one)).rejects.toThrow(`the first in line 2: ${reason}`);
    }
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
