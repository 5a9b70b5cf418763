import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readParquet, writeParquet } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadTuneConfig } from './tune/tune-config.js';

vi.setConfig({ testTimeout: 240_000 }); // each search is three processes or more

// Through the program as npm links it, on what is built.
const program = resolve(import.meta.dirname, '../bin/codebeam.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tune-'));
  write('interactions.tsv', `user\titem\ttimestamp\n${rows.map((row) => `${row.join('\t')}\n`).join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** 40 users go round 12 items, from one to the next, each from a place of their own. */
const rows = Array.from({ length: 40 }, (_, user) =>
  Array.from({ length: 8 }, (_, i) => [`u${user}`, `i${(user + i) % 12}`, 1000 + i] as const),
).flat();

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

interface Sections {
  data?: string;
  filters?: string;
  split?: string;
  models?: string;
  evaluation?: string;
  search?: string;
  [section: string]: string | undefined;
}

/** A config file that is whole, with some sections of another content. */
function config(name: string, changes: Sections): string {
  const sections: Sections = {
    data: '{ interactions: interactions.tsv }',
    split: '{ type: temporal-leave-k-out, validation: { type: temporal-leave-k-out } }',
    models: '{ item-knn: { k: [1, 12] } }',
    evaluation: '{ ks: [1, 5] }',
    search: '{ metric: ndcg@5 }',
    output: `${name}-found`,
    ...changes,
  };
  const lines = Object.entries(sections).map(([key, value]) => (value === undefined ? '' : `${key}: ${value}\n`));
  return write(`${name}.yaml`, lines.join(''));
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args, '--backend', 'cpu'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const tune = (file: string, ...args: string[]) => run('tune', '--config', file, ...args);

function journalOf(output: string, model: string): { event: string; trial: number }[] {
  const path = join(folder, output, 'studies', model, 'journal.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

describe('codebeam tune', () => {
  it('runs as the README has it, and saves the best for codebeam recommend', async () => {
    const readme = readFileSync(resolve(import.meta.dirname, '../../../README.md'), 'utf8');
    const [, example] = /^```yaml\n(data: .*?)^```/ms.exec(readme)!;
    expect(run('help', 'tune').stdout).toContain(example.replaceAll(/^/gm, '  ').trimEnd());
    const file = write('tune.yaml', example);
    const { stdout, stderr, status } = tune(file, '--json');
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({
      best: { model: 'markov', trial: 0, options: {}, resource: 1, metric: 'ndcg@10', validation: 1 },
      test: { 'recall@5': 1, 'ndcg@10': 1 },
      models: [
        { model: 'markov', trials: 1, complete: 1, failed: 0, validation: 1 },
        { model: 'item-knn', trials: 20, complete: 20 },
        { model: 'ease', trials: 20, complete: 20 },
      ],
      paths: { output: 'found', checkpoint: 'found/best' },
    });
    expect(found.models[2].validation).toBeLessThan(1); // who does not look at the order cannot know
    expect(found.energy.cpuSeconds).toBeGreaterThan(0);
    expect(stderr).toMatch(
      /^estimate: ease: 20 trials, whose time the first will tell, 1 MiB besides data and process$/m,
    );
    expect(stderr).toMatch(/^markov: trial 0 complete: ndcg@10 1\.000 at 1; .* MiB; 1 of 1 done$/m);
    expect(stderr).toMatch(/^ease: trial \d+ complete: .*; \d+ of 20 done, about .*s left$/m);
    const { trial, status: ended } = await readParquet(join(folder, found.paths.studies.markov, 'trials.parquet'), {
      trial: 'int32',
      status: 'string',
    });
    expect([[...trial], ended]).toEqual([[0], ['complete']]);

    const listed = run('recommend', '--checkpoint', found.paths.checkpoint, '--history', 'i6,i7', '--k', '1');
    expect(listed.stdout).toMatch(/^i8\t/);
    const saved = JSON.parse(readFileSync(join(folder, 'found/best/config.json'), 'utf8'));
    expect(saved).toMatchObject({ model: 'markov', fittedOn: 'train+validation' });

    // Again, for people: nothing is done twice.
    const again = tune(file);
    expect(again.stderr).toContain('markov: study goes on; 1 trials were begun before');
    expect(journalOf('found', 'markov').filter(({ event }) => event === 'start')).toHaveLength(1);
    expect(again.stdout).toMatch(/^model +trial +ndcg@10 +at +seconds +options\nmarkov +0 +1\.000000 +1 /);
    expect(again.stdout).toContain('ease: 20 trials, 20 complete, 0 stopped, 0 failed');
    expect(again.stdout).toContain('recall@10 1.000000');
    write('tune.yaml', example.replace('trials: 20', 'trials: 20, seed: 7'));
    const refused = tune(file);
    expect(refused.stderr).toMatch(/^error: cli: search\.seed must be 42, as when .*found was begun, got 7; /m);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
  });

  it('trains under ASHA, goes on after a trial that failed, and refits for as long as the best was trained', () => {
    const file = config('trained', {
      models: `
  bpr-mf:
    factors: [4, 5]
    training: { maxEpochs: 3, learningRate: [0.05], batchSize: 64, progressBar: false }
  sasrec:
    heads: 2
    modelWidth: [8, 9] # 9 has no two halves
    layers: 1
    dropout: 0
    training: { maxEpochs: 3, learningRate: 0.01, progressBar: false }`,
      search: '{ metric: ndcg@5, scheduler: asha, asha: { grace: 1, max: 2 }, concurrency: 2 }',
    });
    const { stdout, stderr, status } = tune(file, '--json');
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(
      /^estimate: sasrec: .* s an epoch .* without validation, so some .* for a trial to its end and .* for 2 trials, \d+ MiB a/m,
    );
    expect(stderr).toMatch(/^sasrec: trial 1 failed: .*heads/m);
    const { best, models, paths } = JSON.parse(stdout);
    expect(models).toMatchObject([
      { model: 'bpr-mf', trials: 2, failed: 0 },
      { model: 'sasrec', trials: 2, failed: 1 },
    ]);
    expect(best.resource).toBeLessThanOrEqual(2); // ASHA's max
    const saved = JSON.parse(readFileSync(join(folder, paths.checkpoint, 'config.json'), 'utf8'));
    expect(saved.options.training.maxEpochs).toBe(best.resource);
    const estimates = JSON.parse(readFileSync(join(folder, paths.output, 'estimates.json'), 'utf8'));
    expect(estimates.sasrec.steps).toBe(3); // 40 users are one batch
  });

  it('validates by folds of files of any kind, and takes parts that were split before', async () => {
    await writeParquet(join(folder, 'rows.parquet'), {
      userId: { type: 'string', values: rows.map(([user]) => user) },
      itemId: { type: 'string', values: rows.map(([, item]) => item) },
      rating: { type: 'double', values: rows.map(() => 5) },
    });
    const folds = config('folds', {
      data: '{ interactions: rows.parquet }',
      split: '{ type: temporal-leave-k-out, validation: { type: k-fold, folds: 2 } }',
    });
    const found = tune(folds, '--json');
    expect(found.stderr).toContain("rows.parquet has no times: a user's rows are taken to be in order");
    expect(JSON.parse(found.stdout).models).toMatchObject([{ model: 'item-knn', trials: 2, complete: 2 }]);

    const part = (from: number, to: number) =>
      // Latest first: only who reads the times knows the order.
      rows
        .flatMap(([user, item, time], i) => (i % 8 >= from && i % 8 < to ? [`${user},${item},5,${time}\n`] : []))
        .toReversed();
    for (const [name, from, to] of [['train', 0, 6] as const, ['validation', 6, 7] as const, ['test', 7, 8] as const]) {
      write(`${name}.csv`, part(from, to).join(''));
    }
    const parts = config('parts', {
      data: '{ train: train.csv, validation: validation.csv, test: test.csv }',
      split: undefined,
      models: '{ markov: {} }',
    });
    expect(JSON.parse(tune(parts, '--json').stdout)).toMatchObject({
      best: { validation: 1 },
      test: { 'recall@1': 1 },
    });
  });

  it('loses at most the running trials when it is killed', async () => {
    const models = `{ item-knn: { k: [${Array.from({ length: 60 }, (_, i) => i + 1)}] } }`;
    const file = config('killed', { models, search: '{ metric: ndcg@5, concurrency: 2 }' });
    const ended = () => journalOf('killed-found', 'item-knn').filter(({ event }) => event === 'end');
    const args = [program, 'tune', '--config', file, '--backend', 'cpu'];
    const killed = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
    const over = new Promise((resolve) => killed.on('exit', (_, signal) => resolve(signal)));
    while (ended().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    killed.kill('SIGKILL');
    expect(await over).toBe('SIGKILL');
    const before = journalOf('killed-found', 'item-knn');
    const done = new Set(before.flatMap(({ event, trial }) => (event === 'end' ? [trial] : [])));

    const { stdout, stderr } = tune(file, '--json');
    expect(JSON.parse(stdout || stderr).models).toMatchObject([{ trials: 60, complete: 60 }]);
    const after = journalOf('killed-found', 'item-knn').slice(before.length);
    const again = after.flatMap(({ event, trial }) => (event === 'start' ? [trial] : []));
    expect(again.filter((trial) => done.has(trial))).toEqual([]); // what had ended is not run again
    const repeated = before.filter(({ event, trial }) => event === 'start' && again.includes(trial));
    expect(repeated.length).toBeLessThanOrEqual(2); // the trials at a time
  });

  it('works in an output folder alone', () => {
    const file = config('alone', {});
    const lock = join(folder, 'alone-found', 'lock');
    mkdirSync(join(folder, 'alone-found'));
    writeFileSync(lock, String(process.pid)); // one that runs
    const { status, stderr } = tune(file);
    expect(stderr).toContain(
      `must be one process's at a time, got process ${process.pid} at work in it; wait for its end`,
    );
    expect(status).toBe(2);
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(lock, String(pid)); // one that was killed
    expect(tune(file).status).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it('ends with exit code 2 and one message when every trial fails, and says what failed', () => {
    const { status, stdout, stderr } = tune(config('failing', { models: '{ vsm: {} }' }), '--json');
    expect(stderr).toMatch(
      /^error: cli: one trial at least must succeed, got 1 that failed, the first with: vsm: item/m,
    );
    expect(stderr).not.toContain('    at ');
    expect([status, stdout]).toEqual([2, '']);
  });

  it.each([
    [
      'a mistyped key',
      { modles: '{}' },
      /key modles \(.*wrong\.yaml:7\) must be a known one, got modles; the nearest is models/,
    ],
    ['a missing file', { data: '{ interactions: none.tsv }' }, /none\.tsv must be a readable file/],
  ])('ends with exit code 2 and one line for %s', (_, changes: Sections, message) => {
    const { status, stdout, stderr } = tune(config('wrong', changes));
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });
});

describe('the config of codebeam tune', () => {
  it('is not that of one GRU4Rec', async () => {
    write('gru4rec.yaml', 'model: { layers: [100] }\ndata_split:\n  test_fraction: 0.1\n');
    await expect(loadTuneConfig(join(folder, 'gru4rec.yaml'))).rejects.toThrow(
      'read those with loadGru4recConfig of @codebeam/recommenders',
    );
  });

  it.each<[string, Sections, string | RegExp]>([
    ['an unknown model', { models: '{ eas: { l2: 1 } }' }, /key models\.eas .* the nearest is models\.ease$/],
    ['a mistyped option', { models: '{ item-knn: { neighbors: 5 } }' }, /key models\.item-knn\.neighbors .* known one/],
    [
      'a mistyped nested option',
      { models: '{ bpr-mf: { training: { maxEpoch: [1, 2] } } }' },
      /the nearest is models\.bpr-mf\.training\.maxEpochs$/,
    ],
    ['no models', { models: '{}' }, 'expected one model at least'],
    ['an option left out', { models: '{ ease: {} }' }, /models\.ease\.l2 \(.*:3\) must be valid, got nothing/],
    ['a range of too few numbers', { models: '{ ease: { l2: [uniform, 5] } }' }, 'must have 2 numbers after uniform'],
    ['a range that a model refuses', { models: '{ ease: { l2: [uniform, -5, 5] } }' }, 'l2 of -5 is refused'],
    ['a range of fractions for a count', { models: '{ item-knn: { k: [uniform, 1, 9] } }' }, /k of 4\.\d+ is refused/],
    ['a value that a model refuses', { models: '{ item-knn: { similarity: [cosin] } }' }, 'similarity of "cosin" is'],
    [
      'an unknown sampler',
      { search: '{ sampler: bayes }' },
      /search\.sampler .*got "bayes"; .*"grid"\|"random"\|"tpe"/,
    ],
    [
      'a range in a grid',
      { models: '{ ease: { l2: [uniform, 1, 5] } }' },
      'search of ease must make sense, got: search space key l2 must have finitely many values for a grid',
    ],
    [
      'no number of trials',
      { search: '{ sampler: random, metric: ndcg@5 }' },
      'trials must be at least 1 under the sampler random',
    ],
    [
      'ASHA for models in closed form',
      { search: '{ scheduler: asha, metric: ndcg@5 }' },
      'search.scheduler must be left out where no model',
    ],
    [
      'ASHA over folds',
      {
        split: '{ type: temporal-leave-k-out, validation: { type: k-fold, folds: 2 } }',
        models: '{ bpr-mf: {} }',
        search: '{ scheduler: asha, metric: ndcg@5 }',
      },
      'search.scheduler must be left out under k-fold validation',
    ],
    [
      'bounds of ASHA that make no sense',
      { models: '{ bpr-mf: {} }', search: '{ scheduler: asha, asha: { grace: 9, max: 3 }, metric: ndcg@5 }' },
      '0 < grace <= max',
    ],
    [
      'a metric at no cut-off',
      { search: '{ metric: ndcg@10 }' },
      /search\.metric must be .* \(1,5\), got ndcg@10; the nearest is ndcg@1$/,
    ],
    [
      'a mistyped filter',
      { filters: '[{ type: user-mim, interactions: 2 }]' },
      /filters\.0\.type .*expected one of min-rating, .*user-min/,
    ],
    ['a split without validation', { split: '{ type: temporal-leave-k-out }' }, 'split must have a validation part'],
    ['no data', { data: '{}' }, 'data must name either interactions or all of train, validation, test, got none'],
    [
      'parts and a split',
      { data: '{ train: a, validation: b, test: c }' },
      'split must be left out where data has parts',
    ],
    ['no YAML', { models: '{ ease: ' }, /wrong\.yaml:\d+ must be valid YAML/],
  ])('has one clear error for %s', async (_, changes, message) => {
    const path = join(folder, config('wrong', changes));
    const error = await loadTuneConfig(path).catch((one: Error) => one);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^cli: [^\n]+$/);
  });
});
