import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readParquet, writeParquet } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 240_000 }); // some run the program ten times

// These run the program as npm links it, on what is built. `npm test` builds before it tests.
const program = resolve(import.meta.dirname, '../bin/codebeam.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-'));
  write('train.tsv', 'user\titem\n1\t0\n1\t1\n');
  write('test.tsv', 'user\titem\trating\n1\t3\t5\n1\t5\t3\n');
  write('lists.tsv', `user\titem\trank\n${ranking.map((item, i) => `1\t${item}\t${i + 1}\n`).join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** N = 10: all items that user 1 has not met, two of which (3 and 5) are to be given. */
const ranking = [4, 2, 3, 5, 6, 7, 8, 9];

function write(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}

interface Files {
  train?: string;
  test?: string;
  lists?: string;
}

function runEvaluate({ train = 'train.tsv', test = 'test.tsv', lists = 'lists.tsv' }: Files, ...args: string[]) {
  return run('evaluate', '--train', train, '--test', test, '--recommendations', lists, ...args);
}

function evaluate(files: Files, ...args: string[]): Record<string, number> {
  const { stdout, stderr, status } = runEvaluate(files, '--json', ...args);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Values of the toy under WarpRec's conventions, to six digits. */
const golden = {
  'precision@3': 0.333333,
  'recall@3': 0.5,
  'f1@3': 0.4,
  'hitRate@3': 1,
  'mrr@3': 0.333333,
  'map@3': 0.166667,
  'mar@3': 0.25,
  'ndcg@3': 0.434699,
  auc: 0.714286,
  gauc: 0.714286,
  'lauc@3': 0.357143,
  'coverage@3': 3,
  'gini@3': 0.777778,
};
const closeTo = (values: Record<string, number>) =>
  expect.objectContaining(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, expect.closeTo(value, 6)])),
  );

describe('codebeam evaluate', () => {
  it('prints the metrics of warprec, for ranks', () => {
    expect(evaluate({}, '--preset', 'warprec', '--k', '3')).toEqual(closeTo(golden));
  });

  it('prints those of recbole and gru4rec', () => {
    const recbole = { 'ndcg@3': 0.306574, 'coverage@3': 3 / 11, 'gini@3': 24 / 33, 'entropy@3': Math.log(3) / 3 };
    expect(evaluate({}, '--preset', 'recbole', '--k', '3')).toEqual(closeTo({ ...recbole, 'map@3': 0.166667 }));
    expect(evaluate({}, '--preset', 'gru4rec', '--k', '3')).toEqual({ 'recall@3': 0.5, 'mrr@3': 1 / 6 });
  });

  it('takes each convention by itself', () => {
    const options = [
      '--gain',
      'binary',
      '--gini-divisor',
      'N',
      '--coverage',
      'fraction',
      '--metrics',
      'ndcg,gini,coverage',
    ];
    expect(evaluate({}, '--preset', 'warprec', '--k', '3', ...options)).toEqual({
      'ndcg@3': expect.closeTo(0.306574, 6),
      'gini@3': expect.closeTo(0.7, 12),
      'coverage@3': 0.3,
    });
    expect(evaluate({}, '--preset', 'warprec', '--k', '3', '--items', '20', '--metrics', 'auc')).toEqual({
      auc: (17 - 2 + (17 - 3 + 1)) / 2 / 17,
    });
  });

  it('reads the same from CSV, gzip, Parquet, JSON lines, RecBole files and files without a header', async () => {
    const scores = ranking.map((_, i) => 1 - i / 10);
    await writeParquet(join(folder, 'lists.parquet'), {
      userId: { type: 'int64', values: BigInt64Array.from(ranking, () => 1n) },
      itemId: { type: 'int32', values: Int32Array.from(ranking) },
      score: { type: 'double', values: scores },
    });
    const rows = (line: (item: number, i: number) => string) => ranking.map(line).join('\n');
    const files: Files[] = [
      { lists: 'lists.parquet' },
      {
        lists: write(
          'lists.csv',
          `"User ID","Item ID","prediction"\r\n${rows((item, i) => `"1","${item}",${scores[i]}\r`)}`,
        ),
      },
      { lists: write('lists.csv.gz', gzipSync(`user_id,item_id\n${rows((item) => `1,${item}`)}\n`)) },
      {
        lists: write(
          'lists.jsonl',
          rows((item, i) => JSON.stringify({ session_id: 1, item_id: item, rank: i + 1 })),
        ),
      },
      {
        lists: write(
          'lists.txt',
          rows((item, i) => `1 ${item} ${i + 1}`),
        ),
      },
      {
        lists: write(
          'unnamed',
          rows((item, i) => `1\t${item}\t${scores[i]}`),
        ),
      },
      {
        lists: write(
          'from0.txt',
          rows((item, i) => `1 ${item} ${i}`),
        ),
      },
      {
        lists: write(
          'down.txt',
          rows((item, i) => `1 ${item} ${ranking.length - i}`),
        ),
      },
      {
        train: write('train.inter', 'user_id:token\titem_id:token\ttimestamp:float\n1\t0\t5\n1\t1\t6\n'),
        test: write('test.inter.gz', gzipSync('user_id:token\titem_id:token\trating:float\n1\t3\t5\n1\t5\t3\n')),
      },
      { train: write('train.dat', '1::0::4::978300760\n1::1::3::978302109\n') },
    ];
    for (const one of files) {
      expect(evaluate(one, '--preset', 'warprec', '--k', '3'), JSON.stringify(one)).toEqual(closeTo(golden));
    }
  });

  it('does not take times without a name for ratings', () => {
    const test = write('times.tsv', '1\t3\t978300760\n1\t5\t978302109\n');
    const { stdout, stderr } = runEvaluate({ test }, '--preset', 'warprec', '--k', '3', '--json');
    expect(JSON.parse(stdout)['ndcg@3']).toBeCloseTo(0.306574, 6);
    expect(stderr).toContain('has no header: its columns are taken for user, item, timestamp');
  });

  it('ranks ties by the rule: constant scores of 39 and 40 items', () => {
    const lists = (n: number) =>
      write(`${n}.tsv`, `SessionId\tItemId\tscore\n${Array.from({ length: n }, (_, i) => `a\ti${i}\t.5\n`).join('')}`);
    const train = write('sessions.tsv', 'SessionId\tItemId\tTime\nb\ti3\t1\n');
    const test = write('events.tsv', 'SessionId\tItemId\tTime\na\ti3\t1\n');
    const at20 = (n: number, ties: string) =>
      Object.values(evaluate({ train, test, lists: lists(n) }, '--preset', 'gru4rec', '--k', '20', '--ties', ties));
    expect(at20(39, 'standard')).toEqual([1, 1]);
    expect(at20(39, 'conservative')).toEqual([0, 0]);
    expect(at20(39, 'median')).toEqual([1, 0.05]);
    expect(at20(40, 'median')).toEqual([0, 0]);
  });

  it('masks training items before it cuts, or leaves them', () => {
    const lists = write('seen.tsv', 'user\titem\trank\n1\t0\t1\n1\t1\t2\n1\t3\t3\n');
    const recall = (mask: string) => evaluate({ lists }, '--preset', 'warprec', '--k', '2', '--mask', mask)['recall@2'];
    expect([recall('seen'), recall('none')]).toEqual([0.5, 0]);
  });

  it('counts users without a list as 0 and says so, and leaves others out', () => {
    const test = write('two.tsv', 'user\titem\n1\t3\n2\t3\n');
    const lists = write('three.tsv', 'user\titem\trank\n1\t3\t1\n9\t5\t1\n');
    const { stdout, stderr } = runEvaluate({ test, lists }, '--preset', 'warprec', '--k', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ 'recall@1': 0.5, 'coverage@1': 1 });
    expect(stderr).toContain('note: 1 of 2 test users have no list: they count as 0');
    expect(stderr).toContain('note: lists of 1 users without test items are ignored');
  });

  it('compares predictions with ratings where there are both', () => {
    const lists = write('rated.tsv', 'user\titem\tscore\n1\t3\t4\n1\t5\t1\n');
    expect(evaluate({ lists }, '--preset', 'warprec')).toMatchObject({ mae: 1.5, mse: 2.5, rmse: Math.sqrt(2.5) });
  });

  it('takes no infinite score for a prediction, and says which of the metrics asked for has no value', () => {
    const some = write('some.tsv', 'user\titem\tscore\n1\t3\t4\n1\t5\t-inf\n');
    expect(evaluate({ lists: some }, '--preset', 'warprec', '--metrics', 'mae')).toEqual({ mae: 1 });
    const none = write('none.tsv', 'user\titem\tscore\n1\t3\t-inf\n1\t5\t-inf\n');
    const { stdout, stderr } = runEvaluate({ lists: none }, '--preset', 'warprec', '--metrics', 'mae,fScore', '--json');
    expect(JSON.parse(stdout)).toEqual({ 'f1@10': expect.any(Number) });
    expect(stderr).toContain('note: mae has no value: these files lack what it is computed from');
    expect(stderr).not.toContain('fScore');
  });

  it('says where options have nothing to work on', () => {
    const short = write('short.tsv', 'user\titem\trank\n1\t3\t1\n');
    const { stderr } = runEvaluate({ lists: short }, '--preset', 'warprec', '--ties', 'random', '--negatives', '99');
    expect(stderr).toContain('note: no scores, so no ties: --ties changes nothing');
    expect(stderr).toContain('note: lists of 1 of 1 users lack some of their candidates');
    expect(stderr).toContain('note: 1 of 1 users have fewer than 99 items that can be drawn');
  });

  it('ranks among sampled negatives, again the same for a seed', () => {
    const sampled = (seed: string) =>
      evaluate({}, '--preset', 'warprec', '--k', '2', '--negatives', '3', '--seed', seed);
    expect(sampled('1')).toEqual(sampled('1'));
    expect(evaluate({}, '--preset', 'warprec', '--k', '3', '--negatives', '99')).toEqual(closeTo(golden));
  });

  it('writes values per user', async () => {
    evaluate({}, '--preset', 'warprec', '--k', '3', '--per-user', 'values.parquet');
    const columns = await readParquet(join(folder, 'values.parquet'), { user: 'string', 'mar@3': 'double' });
    expect(columns).toEqual({ user: ['1'], 'mar@3': Float64Array.of(0.25) });
  });

  it('prints a table without --json', () => {
    const { stdout } = runEvaluate({}, '--preset', 'warprec', '--k', '3,5');
    expect(stdout).toMatch(/^warprec +@3 +@5\n/);
    expect(stdout).toMatch(/\nndcg +0\.434699 +0\.523849\n/);
    expect(stdout).toMatch(/\nauc +0\.714286\n/);
  });

  it.each([
    ['an unknown preset', {}, ['--preset', 'warpreck'], 'Allowed choices are warprec, recbole, gru4rec'],
    ['no preset', {}, [], "required option '--preset <name>' not specified"],
    ['a bad cut-off', {}, ['--preset', 'warprec', '--k', '0'], 'It must be like 5,10,20'],
    ['an unreadable file', { test: 'absent.tsv' }, ['--preset', 'warprec'], 'absent.tsv must be a readable file'],
    [
      'a missing column',
      { test: 'columns.tsv' },
      ['--preset', 'warprec'],
      'must have a column for the item, got user, thing',
    ],
    ['a bad score', { lists: 'bad.tsv' }, ['--preset', 'warprec'], 'in line 3: the score must be a number, got "x"'],
    [
      'a repeated item',
      { lists: 'twice.tsv' },
      ['--preset', 'warprec'],
      'must list an item once for a user, got item 4 twice for user 1',
    ],
    [
      'a repeated rank',
      { lists: 'ranks.tsv' },
      ['--preset', 'warprec'],
      'must have a rank once for a user, got rank 1 twice for user 1',
    ],
    [
      'other users',
      { lists: 'others.tsv' },
      ['--preset', 'warprec'],
      'must have a list for some user of test.tsv, got none',
    ],
    ['too small a catalogue', {}, ['--preset', 'warprec', '--items', '9'], '--items must be at least the 10 items'],
    ['a cut-off beyond reason', {}, ['--preset', 'warprec', '--k', '50000000'], 'at most 1000000'],
    [
      'ids that numbers cannot tell apart',
      { lists: 'large.jsonl' },
      ['--preset', 'warprec'],
      'the item must be an id that is exact as a number, got about 9007199254740992',
    ],
    [
      'ids that floats cannot tell apart',
      { lists: 'floats.parquet' },
      ['--preset', 'warprec'],
      'floats.parquet must be exact, got about 16777216 as a 32 bit float in "item"',
    ],
    [
      'numbers without a name that may be ranks or scores',
      { lists: 'unsorted.tsv' },
      ['--preset', 'warprec'],
      'unsorted.tsv must say whether its third column is a rank or a score',
    ],
    ['a JSON array', { lists: 'array.json' }, ['--preset', 'warprec'], 'must be JSON lines, got a JSON array'],
    ['an empty file', { lists: 'empty.tsv' }, ['--preset', 'warprec'], 'empty.tsv must have rows, got an empty file'],
  ])('ends with one line and exit code 2 for %s', async (_, files: Files, args, message) => {
    write('columns.tsv', 'user\tthing\n1\t3\n');
    write('unsorted.tsv', '1\t3\t2\n1\t4\t1\n1\t5\t3\n');
    write('array.json', '[{"user":1,"item":3,"score":0.9}]');
    write('bad.tsv', 'user\titem\tscore\n1\t4\t.5\n1\t3\tx\n');
    write('twice.tsv', 'user\titem\tscore\n1\t4\t.5\n1\t4\t.4\n');
    write('ranks.tsv', 'user\titem\trank\n1\t4\t1\n1\t3\t1\n');
    write('others.tsv', 'user\titem\trank\n7\t4\t1\n');
    write('empty.tsv', '');
    write('large.jsonl', '{"user":1,"item":9007199254740993,"score":1}\n');
    await writeParquet(join(folder, 'floats.parquet'), {
      user: { type: 'int32', values: Int32Array.of(1) },
      item: { type: 'float', values: Float32Array.of(2 ** 24 + 1) },
    });
    const { status, stdout, stderr } = runEvaluate(files, ...args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('has help', () => {
    expect(run('--help').stdout).toContain('evaluate [options]');
    const help = run('help', 'evaluate');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('--recommendations <file>');
    expect(help.stdout).toContain('Users: those of the test file.');
  });

  it('is named by the package', () => {
    const { bin } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8'));
    expect(resolve(import.meta.dirname, '..', bin.codebeam)).toBe(program);
  });
});
