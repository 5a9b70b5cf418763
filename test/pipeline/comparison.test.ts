import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import { readParquet } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ComparisonConfig } from '../../pipelines/config.js';
import { loadStage } from '../../pipelines/load-stage.js';
import { stagesOf } from '../../pipelines/pipeline.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';
import { formatRunResults, type RunResults, readResults } from '../../pipelines/results.js';
import { runStage } from '../../pipelines/stage.js';

const home = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'comparison-'));
  process.chdir(folder);
  await selectBackend();
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

/** A config through all stages, its raw files beside it. */
async function compare(run: string, files: Record<string, string>, text: string): Promise<RunResults> {
  const raw = join(folder, run);
  await mkdir(raw);
  for (const [name, content] of Object.entries(files)) await writeFile(join(raw, name), content);
  const config = resolveConfig('toy.yaml', text, {}).config as ComparisonConfig;
  for (const name of stagesOf(config)) {
    const options = {
      name,
      dataset: 'toy',
      run,
      config,
      raw,
      code: 'test',
      versions: {},
      backend: 'cpu',
      log: () => {},
    };
    await runStage(await loadStage(config, name), options);
  }
  return readResults(run);
}

const metricsOf = ({ models }: RunResults, name: string) =>
  Object.fromEntries(
    Object.entries(models.find((model) => model.name === name)!.metrics).map(([metric, { mean }]) => [metric, mean]),
  );

describe('sessions that come split', () => {
  // After a comes b (twice) or c, after b comes c; d is met last and alone.
  const files = { 'train.txt': 'a b c\na b\na c\nd\n', 'test.txt': 'a b c\nb a\nd\n' };
  const config = `
fetch-data:
  layouts:
    - interactions:
        type: presplit
        train: { type: session-lines, file: train.txt }
        test: { type: session-lines, file: test.txt }
prepare-data: { minInteractions: 0 }
protocol: { split: { type: given }, task: next-item, preset: gru4rec, ks: [1, 2] }
recommenders: [{ model: markov }, { model: most-popular }]
`;
  let results: RunResults;
  beforeAll(async () => {
    results = await compare('sessions', files, config);
  });

  it('asks about every click after the first of its session, knowing all before it', async () => {
    const path = join('checkpoints', 'sessions', 'evaluate', 'recommendations.parquet');
    const { model, user, historyLength } = await readParquet(path, {
      model: 'string',
      user: 'string',
      historyLength: 'int32',
    });
    const asked = model.flatMap((name, row) => (name === 'markov' ? [`${user[row]} after ${historyLength[row]}`] : []));
    expect(asked).toEqual(['test:1 after 1', 'test:1 after 2', 'test:2 after 1']);
  });

  it('counts per event', () => {
    // a -> b is first, b -> c is first, b -> a was never seen: c comes first and ties stand behind it.
    expect(metricsOf(results, 'markov')).toMatchObject({ 'recall@1': 2 / 3, 'mrr@1': 2 / 3 });
    // a 3, b and c 2, d 1: standing by itself, a is first; b shares the second rank with c.
    expect(metricsOf(results, 'most-popular')).toEqual({
      'recall@1': 1 / 3,
      'recall@2': 1,
      'mrr@1': 1 / 3,
      'mrr@2': (1 + 1 / 2 + 1 / 2) / 3,
    });
    expect(results.models.map(({ users }) => users)).toEqual([3, 3]);
  });

  it('says in its table what the numbers are over', () => {
    expect(formatRunResults(results)).toContain('95 % bootstrap interval over events');
    expect(formatRunResults(results)).toContain(
      'split as given, each row after all before it, ties in file order, history mask off, conventions of gru4rec',
    );
  });

  it('can be had no other way from one table', async () => {
    const single = config.replace(/type: presplit[\s\S]*test\.txt }/, 'type: session-lines\n        file: train.txt');
    await expect(compare('single', files, single)).rejects.toThrow('split given must have data that come in parts');
  });
});

it('lists a model for every user of a table, without what they have', async () => {
  const rows = ['1 1', '1 2', '1 3', '2 1', '2 2', '2 4', '3 2', '3 3', '3 1'];
  const lines = rows.map((row, time) => `${row} ${time} 5`.replaceAll(' ', '\t'));
  const results = await compare(
    'users',
    { 'toy.inter': ['user_id:token\titem_id:token\ttimestamp:float\trating:float', ...lines, ''].join('\n') },
    `
fetch-data: { layouts: [{ interactions: { type: recbole, file: toy.inter } }] }
prepare-data: { minInteractions: 0, numbering: id }
protocol: { split: { type: temporal-leave-k-out }, ks: [1, 2] }
recommenders: [{ model: most-popular }]
`,
  );
  // Held out are 3, 4 and 1; trained on are 2 (three times), 1 (twice) and 3; nobody has 4, which comes last.
  expect(metricsOf(results, 'most-popular')).toMatchObject({
    'recall@1': 2 / 3,
    'recall@2': 1,
    'mrr@2': (1 + 1 / 2 + 1) / 3,
  });
});
