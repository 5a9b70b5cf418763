import { dirname, relative, resolve } from 'node:path';
import { readConfig } from '@codebeam/data';
import {
  adviseOnSampleSize,
  formatExperiment,
  runSessions,
  type SavedRecommender,
  type SessionMeans,
  type SessionServices,
  type SessionsRun,
  sessionMeans,
  sessionsSchema,
  usersReached,
  writeSessions,
} from '@codebeam/simulation';
import { Command } from 'commander';
import { countProgress } from './count-progress.js';
import { parseSeed } from './parse-seed.js';
import { readConfigText } from './read-config-text.js';

interface SimulateOptions {
  config: string;
  seed: number;
  out?: string;
  backend?: string;
  json?: true;
}

const details = `
Config: YAML; its paths start from its own folder. For example:

  catalogue: { type: synthetic, tracks: 5000 }
  users: { type: synthetic, count: 1000 }
  policies:
    random: { type: random }
    sticky: { type: sticky-artist }
    core: { type: indexed-in-order, lists: recommendations.json, fallback: sticky }
    live: { type: recommender, checkpoint: checkpoints/my-shop/fit-recommenders/ease }
  episodes: 10000
  experiment:
    name: STICKY
    treatments: [random, sticky]           # the control first; users are split by murmur3 buckets
    correction: holm                       # of p-values; none when left out
    peeking: { effect: 10 }                # intervals that hold however often one looks; Welch's when left out
    plan: { mean: 2.1, deviation: 1.9, effect: 10 }   # for advice on the sample size
  listens: { minTime: 0.8, minInteractions: 3 }

Without an experiment each policy has all users, and the same sessions begin under each.
Catalogue: synthetic { tracks, artists, genres, width, seed }, or files { tracks, topTracks, embeddings } as the course has them.
Users: synthetic { count, seed }, or file { path }.
Policies: random, sticky-artist, top-popular { top }, repeat, contextual { lists, fallback }, recommender { checkpoint, k, fallback },
and of a user's list, { lists or checkpoint, k, fallback }: indexed (drawn from it), indexed-in-order, restart-when-bored,
sequential. Lists are JSON lines {"user": 0, "tracks": [3, 1, 2]}; {"track": ...} for contextual. Those of a checkpoint are what it
recommends to its users, whose ids are user numbers and items tracks.
remote { url } asks a service with botify's routes, such as codebeam serve; its key is in CODEBEAM_API_KEY. It keeps what it knows of
users, so name a service that has seen nobody where sessions are to be those of another run.
Further: parallel, interestNeighbours, sessionBudget, artistDiscount, measureLatency.

Output, with --out: events.jsonl as botify logs them, events.parquet, sessions.parquet, listens.parquet (training data, with
listens), each policy's in a folder of its name; experiment.json; and the page sessions.html.
`;

export function simulateSessionsCommand(): Command {
  return new Command('sessions')
    .description('Listeners who play what a policy recommends until they are bored, after botify.')
    .requiredOption('--config <file>', 'what is simulated')
    .option('--seed <number>', 'of all random numbers', parseSeed, 42)
    .option('--out <folder>', 'where logs, tables and a page are written')
    .option('--backend <name>', 'for recommenders: tensorflow, webgpu, native, wasm or cpu; by default the fastest')
    .option('--json', 'print one JSON object of policy and means, on the last line of standard output')
    .addHelpText('after', details)
    .action(simulateSessions);
}

async function simulateSessions({ config: path, seed, out, backend, json }: SimulateOptions): Promise<void> {
  const config = readConfig('cli', sessionsSchema, path, await readConfigText(path));
  const { experiment, users, episodes } = config;
  const expected = users.type === 'synthetic' ? usersReached(users.count, episodes) : undefined;
  const advice = experiment ? adviseOnSampleSize(experiment, expected) : [];
  for (const line of advice) console.error(`advice: ${line}`);
  const folder = dirname(resolve(path));
  const run = await runSessions(config, seed, {
    pathOf: (name) => resolve(folder, name),
    ...(process.env.CODEBEAM_API_KEY && { apiKey: process.env.CODEBEAM_API_KEY }),
    loadRecommender: (folder) => loadSaved(folder, backend),
    onProgress: sessionProgress(),
  });
  if (out !== undefined) {
    for (const file of await writeSessions(resolve(out), run)) console.error(`wrote ${relative(process.cwd(), file)}`);
  }
  const means = Object.fromEntries(
    run.policies.map(({ policy, sessions, rows }) => [policy, sessionMeans(sessions, rows)]),
  );
  console.log(json ? JSON.stringify(means) : tables(means, run));
}

async function loadSaved(folder: string, backend: string | undefined): Promise<SavedRecommender> {
  const { selectBackend } = await import('@codebeam/backend');
  const { loadCheckpoint } = await import('@codebeam/serving/load-checkpoint');
  await selectBackend(backend);
  const { recommender, itemIds, userIds, recommendToUsers } = await loadCheckpoint(folder);
  return { ...recommender, itemIds, ...(recommendToUsers && { userIds, recommendToUsers }) };
}

/** Of one policy after the other. */
function sessionProgress(): NonNullable<SessionServices['onProgress']> {
  let progress: ReturnType<typeof countProgress> | undefined;
  return (label, { done, total }) => {
    progress ??= countProgress({ label, unit: 'session', total });
    progress.reach(done);
    if (done < total) return;
    progress.end();
    progress = undefined;
  };
}

function tables(means: Readonly<Record<string, SessionMeans>>, { analysis, policies }: SessionsRun): string {
  const head = ['policy', 'sessions', 'users', 'tracks', 'time', '±', 'tracks - time'];
  const rows = Object.entries(means).map(([policy, own]) => [
    policy,
    String(own.sessions),
    String(own.users),
    own.mean_tracks_per_session.toFixed(4),
    own.mean_time_per_session.toFixed(4),
    Number.isNaN(own.standard_error) ? '–' : (1.96 * own.standard_error).toFixed(4), // of a single session
    own.mean_tracks_minus_time.toFixed(4),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  const names = policies.map(({ policy }) => policy);
  return [head, ...rows].map(line).join('\n') + (analysis ? `\n\n${formatExperiment(analysis, names)}` : '');
}
