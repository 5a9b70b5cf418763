import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { readParquet, sequenceOf } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineConfig } from '../../pipelines/config.js';
import { readDataset } from '../../pipelines/dataset-tables.js';
import { loadStage } from '../../pipelines/load-stage.js';
import { type StageName, stagesOf } from '../../pipelines/pipeline.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';
import { type RunResults, readResults } from '../../pipelines/results.js';
import { type Manifest, runStage } from '../../pipelines/stage.js';

const file = resolve(import.meta.dirname, '../../pipelines/configs/amazon-beauty.yaml');
const set = [
  'train-sasrec.progressBar=false',
  'train-rqvae.progressBar=false',
  'train-tiger.progressBar=false',
  'evaluate.ties=both',
];
const config = resolveConfig(file, readFileSync(file, 'utf8'), { variant: 'sample', set }).config as PipelineConfig;

const home = process.cwd();
const run = 'amazon-beauty-sample';
const manifests = new Map<StageName, Manifest>();
let folder: string;
let results: RunResults;

// The embedded sample through every stage, as `npx nx run pipelines:amazon-beauty` has it without files and network.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-'));
  process.chdir(folder);
  const { name: backend } = await selectBackend();
  for (const name of stagesOf(config)) {
    const options = { name, dataset: 'amazon-beauty', run, config, code: 'test', versions: {}, backend, log: () => {} };
    manifests.set(name, await runStage(await loadStage(config, name), options));
    tf.disposeVariables();
  }
  results = await readResults(run);
}, 240_000);
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const metric = (model: string, name: string) =>
  results.models.find((one) => one.name === model && one.protocol === undefined)!.metrics[name];
const path = (stage: StageName, name: string) => join(folder, 'checkpoints', run, stage, name);

describe('the synthetic sample, through all stages', () => {
  it('teaches TIGER at least 80 % of the best possible recall@10, and three times that of most-popular', () => {
    const best = results.bestPossible!['recall@10'].masked;
    const tiger = metric('tiger', 'recall@10').mean;
    expect(best).toBeGreaterThan(0.5);
    expect(tiger).toBeGreaterThan(0.8 * best);
    expect(tiger).toBeGreaterThan(3 * metric('most-popular', 'recall@10').mean);
  });

  it('writes metrics.json as its readers expect it', () => {
    expect(results).toMatchObject({
      run,
      dataset: { name: 'amazon-beauty', source: 'sample', users: 2000, items: 144 },
      split: 'test',
      protocol: { ties: 'file', historyMask: 'on', maxHistory: config.tiger.maxHistory },
      seed: 42,
    });
    const names = ['most-popular', 'markov', 'co-occurrence', 'sasrec', 'hybrid', 'tiger'];
    expect(results.models.filter(({ protocol }) => !protocol).map(({ name }) => name)).toEqual(names);
    for (const { users, metrics } of results.models) {
      expect(users).toBe(2000);
      for (const k of [1, 5, 10, 20]) {
        for (const name of ['recall', 'ndcg', 'invalidIdRate']) {
          const { mean, low, high } = metrics[`${name}@${k}`];
          expect(low).toBeLessThanOrEqual(mean);
          expect(mean).toBeLessThanOrEqual(high);
        }
      }
    }
  });

  it('states each variant of the protocol with the rows that differ in it', () => {
    const variants = results.models.map(({ name, protocol }) =>
      [name, protocol?.ties, protocol?.historyMask].join(' '),
    );
    expect(variants).toContain('tiger file off');
    expect(variants).toContain('co-occurrence shuffled on');
    expect(variants).toContain('co-occurrence shuffled off');
    // It was trained under the file's order, and the other order has other test items.
    expect(variants).not.toContain('tiger shuffled on');
  });

  it('fits every model on the training part alone, and says so', () => {
    for (const { parameters } of results.models) expect(parameters.fittedOn).toBe('train');
  });

  it('never recommends an ID that is none', () => {
    expect(metric('tiger', 'invalidIdRate@20').mean).toBe(0);
  });

  it('gives every item a semantic ID of its own, one code longer than the levels', async () => {
    const { item, id, codes, tokens } = await readParquet(path('assign-semantic-ids', 'semantic-ids.parquet'), {
      item: 'int32',
      id: 'string',
      codes: 'list<int32>',
      tokens: 'list<int32>',
    });
    expect(Array.from(item)).toEqual(Array.from({ length: 144 }, (_, i) => i));
    expect(new Set(id).size).toBe(144);
    for (const one of codes) expect(one).toHaveLength(config.rqvae.levels + 1);
    expect(new Set(codes.map(String)).size).toBe(144);
    expect(
      new Set(tokens.flatMap((one, row) => Array.from(one, (token, at) => `${token}: ${at} ${codes[row][at]}`))).size,
    ).toBe(new Set(tokens.flatMap((one) => Array.from(one))).size);
  });

  it('keeps what every user was shown, from which the table can be counted again', async () => {
    const table = await readParquet(path('evaluate', 'recommendations.parquet'), {
      model: 'string',
      target: 'int32',
      rank: 'int32',
      items: 'list<int32>',
    });
    const rows = table.model.flatMap((model, row) => (model === 'tiger' ? [row] : []));
    const hits = rows.filter((row) => table.items[row].subarray(0, 10).includes(table.target[row]));
    expect(hits.length / rows.length).toBeCloseTo(metric('tiger', 'recall@10').mean, 12);
    for (const row of rows) expect(table.items[row].indexOf(table.target[row]) + 1).toBe(table.rank[row]);
  });

  it('can be asked for lists by the command codebeam', async () => {
    const table = await readParquet(path('evaluate', 'recommendations.parquet'), {
      model: 'string',
      user: 'int32',
      items: 'list<int32>',
    });
    const row = table.model.lastIndexOf('tiger');
    const { sequences, items } = await readDataset((file) => path('prepare-data', file));
    const history = Array.from(sequenceOf(sequences, table.user[row]).subarray(0, -1), (item) => items[item].id);
    const program = resolve(import.meta.dirname, '../../packages/cli/bin/codebeam.mjs');
    const args = ['recommend', '--checkpoint', join('checkpoints', run), '--history', history.join(), '--k', '5'];
    const { stdout, stderr } = spawnSync(process.execPath, [program, ...args, '--json'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const listed: string[] = JSON.parse(stdout).recommendations.map(({ item }: { item: string }) => item);
    expect(listed).toEqual(Array.from(table.items[row].subarray(0, 5), (item) => items[item].id));
  });

  it('writes a report that says it is a sample', () => {
    const page = readFileSync(path('evaluate', 'report.html'), 'utf8');
    const parts = [
      'SYNTHETIC SAMPLE, NOT THE REAL DATA',
      'TIGER: training loss',
      'Tokenizer: training loss',
      'Example users',
    ];
    expect(parts.filter((part) => !page.includes(part))).toEqual([]);
    expect(page.match(/<script|<link|(?:src|href)="[^#]/)).toBeNull(); // it needs nothing but itself
  });

  it('leaves manifests that name config, seed, inputs and counts, and neither times nor paths', () => {
    for (const [stage, manifest] of manifests) {
      expect(manifest).toMatchObject({ stage, seed: 42, config: expect.any(Object), counts: expect.any(Object) });
      expect(JSON.stringify(manifest)).not.toContain(folder);
    }
    expect(Object.keys(manifests.get('train-tiger')!.inputs).sort()).toEqual([
      'assign-semantic-ids/semantic-ids.parquet',
      'assign-semantic-ids/tokenizer-report.json',
      'prepare-data/interactions.parquet',
      'prepare-data/items.parquet',
      'prepare-data/users.parquet',
      'train-sasrec/config.json',
      'train-sasrec/ids.json',
      'train-sasrec/metrics.jsonl',
      'train-sasrec/model.safetensors',
    ]);
  });
});
