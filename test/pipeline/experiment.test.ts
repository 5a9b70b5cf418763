import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { readParquet } from '@codebeam/data';
import { bucketOf, syntheticCatalogue } from '@codebeam/simulation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../pipelines/config.js';
import { readDataset } from '../../pipelines/dataset-tables.js';
import { type ExperimentResults, formatExperimentResults, readExperiment } from '../../pipelines/experiment-results.js';
import { loadStage } from '../../pipelines/load-stage.js';
import { type StageName, stagesOf } from '../../pipelines/pipeline.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';
import { type Manifest, runStage } from '../../pipelines/stage.js';

// Models are served by processes of the built package. `npm test` builds before it tests.
const file = resolve(import.meta.dirname, '../../pipelines/configs/ab-experiment.yaml');
const quiet = ['train-sasrec', 'train-rqvae', 'train-tiger'].map((stage) => `${stage}.progressBar=false`);
function configOf(set: readonly string[], variant?: 'smoke'): ExperimentConfig {
  const text = readFileSync(file, 'utf8').replace('training: { ', 'training: { progressBar: false, ');
  return resolveConfig(file, text, { ...(variant && { variant }), set: [...quiet, ...set] }).config as ExperimentConfig;
}

const home = process.cwd();
let folder: string;
let backend: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'experiment-'));
  process.chdir(folder);
  backend = (await selectBackend()).name;
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

/** A config through all stages of its line. */
async function runAll(
  run: string,
  config: ExperimentConfig,
  { without = [] }: { without?: readonly StageName[] } = {},
): Promise<{ results: ExperimentResults; manifests: Map<StageName, Manifest>; said: string }> {
  const manifests = new Map<StageName, Manifest>();
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  for (const name of stagesOf(config)) {
    const stage = without.includes(name) ? async () => ({}) : await loadStage(config, name);
    const options = { name, dataset: 'ab-experiment', run, config, code: 'test', versions: {}, backend, log };
    manifests.set(name, await runStage(stage, options));
    tf.disposeVariables();
  }
  return { results: await readExperiment(run), manifests, said: lines.join('\n') };
}

describe('the smoke run of the whole line', () => {
  const run = 'ab-smoke';
  const config = configOf(['experiment.episodes=400'], 'smoke');
  const path = (stage: StageName, name: string) => join(folder, 'checkpoints', run, stage, name);
  let outcome: Awaited<ReturnType<typeof runAll>>;
  beforeAll(async () => {
    outcome = await runAll(run, config);
  }, 300_000);

  it('has every session of every user in the log, played by the treatment that the user is under', async () => {
    const { sessions, events, treatments } = outcome.results;
    const ways = treatments.length;
    expect([sessions, treatments]).toEqual([400, config.experiment.treatments]);
    const log = await readParquet(path('run-experiment', 'events.parquet'), {
      message: 'string',
      user: 'int32',
      track: 'int32',
      time: 'double',
      recommendation: 'int32',
      experiment_CORE: 'string',
    });
    expect(log.user).toHaveLength(events);
    expect(log.message.filter((message) => message === 'last')).toHaveLength(sessions);
    const expected = Array.from(log.user, (user) => bucketOf({ name: 'CORE', ways }, user));
    expect(log.experiment_CORE).toEqual(expected.map((bucket) => (bucket === 0 ? 'C' : `T${bucket}`)));

    // The control plays the artist of the last track; those of lists play what is listed.
    const { artists } = syntheticCatalogue({ seed: 42, tracks: 400 });
    const lists = new Map(
      readFileSync(path('run-experiment', 'lists.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line): { user: number; tracks: number[] } => JSON.parse(line))
        .map(({ user, tracks }) => [user, tracks]),
    );
    const asked = Array.from(log.user.keys()).filter((row) => log.message[row] === 'next');
    const [control, ...listed] = [0, 1, 2, 3].map((bucket) => asked.filter((row) => expected[row] === bucket));
    expect(control.length).toBeGreaterThan(100);
    for (const row of control) expect(artists[log.recommendation[row]]).toBe(artists[log.track[row]]);
    for (const rows of listed) {
      expect(rows.length).toBeGreaterThan(100);
      for (const row of rows) expect(lists.get(log.user[row])).toContain(log.recommendation[row]);
    }
  });

  it('has TIGER and CORE choose among the tracks that they know, none twice in a session', async () => {
    const { items } = await readDataset((name) => path('prepare-data', name));
    const known = new Set(items.map(({ id }) => Number(id)));
    const log = await readParquet(path('run-experiment', 'events.parquet'), {
      message: 'string',
      user: 'int32',
      track: 'int32',
      recommendation: 'int32',
      experiment_CORE: 'string',
    });
    for (const treatment of ['T4', 'T5']) {
      const rows = Array.from(log.user.keys()).filter((row) => log.experiment_CORE[row] === treatment);
      expect(rows.length).toBeGreaterThan(100);
      const sessions = new Map<number, number[]>();
      for (const row of rows) {
        const session = sessions.get(log.user[row]) ?? [];
        sessions.set(log.user[row], session);
        session.push(log.track[row]);
        if (log.message[row] === 'next') {
          expect(known).toContain(log.recommendation[row]);
          expect(session).not.toContain(log.recommendation[row]);
        } else sessions.delete(log.user[row]);
      }
    }
  });

  it('advises beforehand, and prints and draws means, effects and intervals against both controls', () => {
    const { results, said } = outcome;
    expect(results.analyses.map(({ control, correction }) => [control, correction])).toEqual([
      ['C', 'holm'],
      ['T3', 'holm'],
    ]);
    expect(said.indexOf('advice: ')).toBeLessThan(said.indexOf('plays C sticky-artist'));
    expect(said).toContain(formatExperimentResults(results));
    const page = readFileSync(path('run-experiment', 'experiment.html'), 'utf8');
    expect(page).toContain('Effects of CORE against C sticky-artist');
    expect(page).toContain('Effects of CORE against T3 indexed');
    expect(page).toContain('mean_time_per_session, mean over users');
    expect(page).not.toMatch(/<script|<link|(?:src|href)="[^#]/); // it needs nothing but itself
  });

  it('tells models nothing of the embeddings that tastes are made of', () => {
    expect(Object.keys(outcome.manifests.get('prepare-data')!.inputs)).toEqual(['fetch-data/source.json']);
    const { files } = JSON.parse(readFileSync(path('fetch-data', 'source.json'), 'utf8'));
    expect(files.map(({ name }: { name: string }) => name)).toEqual(['listens.parquet', 'tracks.parquet']);
  });

  it('is not run again when nothing has changed', async () => {
    const again = await runAll(run, config);
    expect(again.said).toContain('run-experiment: unchanged, nothing to do');
    expect(again.manifests.get('run-experiment')).toEqual(outcome.manifests.get('run-experiment'));
  });
});

it('finds lists of CORE better in order (T1) and restarted (T2) than in random order (T3), and that better than sticky-artist', async () => {
  const set = ['treatments=[sticky-artist, indexed-in-order, restart-when-bored, indexed]', 'episodes=12000'];
  const fewer = ['fetch-data.sessions.users=2000', 'fetch-data.sessions.episodes=72000'];
  const config = configOf([...fewer, ...set.map((one) => `experiment.${one}`)]);
  const trained: StageName[] = ['train-sasrec', 'embed-items', 'train-rqvae', 'assign-semantic-ids', 'train-tiger'];
  const { results } = await runAll('ab-lists', config, { without: trained });
  console.error(formatExperimentResults(results));
  const [againstControl, againstRandom] = results.analyses;
  const effect = ({ effects }: typeof againstControl, treatment: string) =>
    effects.find((one) => one.treatment === treatment && one.metric === 'mean_time_per_session')!;
  for (const treatment of ['T1', 'T2', 'T3']) {
    const { difference, isSignificant } = effect(againstControl, treatment);
    expect([treatment, isSignificant, difference.low > 0]).toEqual([treatment, true, true]);
  }
  // To tell T1 and T2 from T3 takes the 7,200 users of the recipe; their means show it with these.
  for (const treatment of ['T1', 'T2']) {
    expect([treatment, effect(againstRandom, treatment).difference.mean > 0]).toEqual([treatment, true]);
  }
}, 600_000);
