import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BadLines, parseLines, readLines } from './read-lines.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-lines-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function textsOf(path: string) {
  return (await Readable.from(readLines(path)).toArray()).map(({ number, text }) => `${number}:${text}`);
}

describe('readLines', () => {
  it('strips line ends and the byte order mark, and keeps a last line without an end', async () => {
    expect(await textsOf(await fileOf('ends.txt', '\ufeffé\r\nb\n\nc'))).toEqual(['1:é', '2:b', '3:', '4:c']);
    expect(await textsOf(await fileOf('empty.txt', ''))).toEqual([]);
  });

  it('knows gzip by its content, and joins lines that cross chunks', async () => {
    const long = Array.from({ length: 3 }, (_, i) => `${i}`.repeat(300_000));
    expect(await textsOf(await fileOf('long.txt', gzipSync(long.join('\n'))))).toEqual(
      long.map((l, i) => `${i + 1}:${l}`),
    );
  });

  it('names a truncated, a damaged and a missing file', async () => {
    const whole = gzipSync(Array.from({ length: 1000 }, (_, i) => `line ${i * 7919}`).join('\n'));
    const cut = await fileOf('cut.gz', whole.subarray(0, whole.length / 2));
    await expect(textsOf(cut)).rejects.toThrow(
      /^data: .*cut\.gz must be a complete gzip file, got "unexpected end of file" after \d+ bytes of content; download it/,
    );
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 1000, 1020);
    await expect(textsOf(await fileOf('damaged.gz', damaged))).rejects.toThrow(
      'damaged.gz must be a complete gzip file',
    );
    await expect(textsOf(join(folder, 'none.gz'))).rejects.toThrow(/none\.gz must be a readable file, got ENOENT/);
  });
});

describe('parseLines', () => {
  const lines = (count: number, bad: readonly number[]) =>
    Array.from({ length: count }, (_, i) => (bad.includes(i + 1) ? '{"cut": ' : `${i}`)).join('\n');
  const parse = async (path: string, options = {}) => {
    const told: BadLines[] = [];
    const values = await Readable.from(
      parseLines(path, (text) => JSON.parse(text) as unknown, { ...options, onBadLines: (b) => told.push(b) }),
    ).toArray();
    return { values, told };
  };

  it('passes over one bad line of any file, and says so', async () => {
    const path = await fileOf('one.jsonl', `\n${lines(5, [2])}\n\n`);
    const { values, told } = await parse(path);
    expect(values).toEqual([0, 2, 3, 4]);
    expect(told).toEqual([
      { file: path, lines: 5, bad: 1, first: { line: 3, reason: expect.stringContaining('JSON') } },
    ]);
  });

  it('stops at more bad lines than the tolerance allows, naming file, line and reason', async () => {
    const path = await fileOf('two.jsonl', lines(1999, [7, 9]));
    await expect(parse(path)).rejects.toThrow(
      /two\.jsonl must have at most 1 unreadable lines of 1999 \(tolerance 0.001\), got 2, the first in line 7: .*JSON/,
    );
    expect((await parse(path, { tolerance: 0.01 })).values).toHaveLength(1997);
    expect((await parse(await fileOf('two-of-2000.jsonl', lines(2000, [7, 9])))).values).toHaveLength(1998);
    await expect(parse(await fileOf('strict.jsonl', lines(5, [2])), { tolerance: 0 })).rejects.toThrow(
      'at most 0 unreadable',
    );
  });

  it('never takes a file in which all lines are bad, and gives up on it early', async () => {
    await expect(parse(await fileOf('all.jsonl', lines(1, [1])))).rejects.toThrow('at most 0 unreadable lines of 1');
    const page = await fileOf('page.jsonl', '<html>\n'.repeat(5000));
    await expect(parse(page, { tolerance: 1 })).rejects.toThrow('unreadable lines of 1000 ');
  });

  it('does not take a fault of the parser for a bad line', async () => {
    const path = await fileOf('fault.jsonl', '1\n2\n');
    const faulty = () => {
      throw new TypeError('fault');
    };
    await expect(Readable.from(parseLines(path, faulty)).toArray()).rejects.toThrow('fault');
    await expect(parse(path, { tolerance: 2 })).rejects.toThrow('data: tolerance must be a share from 0 to 1, got 2');
  });
});
