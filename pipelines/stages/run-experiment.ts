import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sequenceOf, writeFileAtomically } from '@codebeam/data';
import { loadRecommender } from '@codebeam/recommenders';
import { type ServeConfig, serveSchema, startService } from '@codebeam/serving';
import {
  adviseOnSampleSize,
  analyseUsers,
  analysisOptions,
  cataloguePolicyTypes,
  type EventLog,
  listPolicyTypes,
  readEventLines,
  remotePolicy,
  renderExperiment,
  type Sessions,
  sessionise,
  simulateSessions,
  topLists,
  treatmentName,
  treatmentNumber,
  type UserMetrics,
  userMetrics,
  writeEventTable,
  writeSessionTable,
  writeTrackLists,
} from '@codebeam/simulation';
import { nameOf } from '../config.js';
import { readDataset } from '../dataset-tables.js';
import { type ExperimentResults, formatExperimentResults } from '../experiment-results.js';
import { progressLines } from '../progress-lines.js';
import { catalogueConfig, createWorld } from '../session-data.js';
import type { StageContext } from '../stage.js';

type Context = StageContext<'fetch-data' | 'recommenders' | 'experiment'>;

/**
 * Models -> experiment.json, experiment.html, sessions.parquet, events.parquet, lists.jsonl: starts the service, lets listeners play what
 * it recommends over HTTP, and compares treatments by its log. Timestamps and latencies are those of the clock; all else is of the seed.
 */
export async function runExperiment(context: Context): Promise<Record<string, number>> {
  const { config, output, state, log } = context;
  const { experiment, seed, 'fetch-data': fetching } = config;
  const { name, treatments, against, episodes, parallel } = experiment;
  const sizes = fetching.sessions!; // no config of an experiment is without
  for (const line of adviseOnSampleSize(experiment, sizes.users)) {
    log(`advice: ${line}`);
  }
  await writeLists(context);

  const logFolder = join(state, 'log');
  await rm(logFolder, { recursive: true, force: true }); // of a run that was killed
  const { service, url } = await startService(serviceConfig(context, logFolder), { report: log });
  log(`${url} plays ${treatments.map((policy, number) => `${treatmentName(number)} ${policy}`).join(', ')}`);
  const started = performance.now();
  let told: EventLog;
  try {
    told = await simulateSessions({
      ...(await createWorld(sizes, seed)),
      policy: remotePolicy(url),
      // Other sessions than those that models were trained on.
      ...{ episodes, parallel, seed: seed + 1 },
      onProgress: progressLines('sessions', log),
    });
  } finally {
    await service.close();
  }
  const seconds = (performance.now() - started) / 1000;
  const logged = await readEventLines([join(logFolder, 'data.json')]);
  const sessions = sessionise(logged);
  checkLog(sessions, sessionise(told));
  log(
    `${logged.users.length} events of ${episodes} sessions in ${seconds.toFixed(0)} s (${Math.round(logged.users.length / seconds)}/s), all of them in the log`,
  );

  const users = userMetrics(sessions);
  const controls = [treatments[0], ...against].map((policy) => treatmentName(treatments.indexOf(policy)));
  const [first, ...others] = controls.map((control) =>
    analyseUsers(users, name, { ...analysisOptions(experiment), control }),
  );
  const results: ExperimentResults = {
    treatments,
    sessions: episodes,
    events: logged.users.length,
    analyses: [first, ...others],
  };
  await writeFileAtomically(output('experiment.json'), `${JSON.stringify(results, null, 2)}\n`);
  const facts = { Users: sizes.users, Sessions: episodes, Events: results.events, 'Users at a time': parallel };
  const page = renderExperiment([first, ...others], {
    title: `Experiment ${name}`,
    policies: treatments,
    ...{ facts, config },
  });
  await writeFileAtomically(output('experiment.html'), page);
  await writeEventTable(output('events.parquet'), logged);
  await writeSessionTable(output('sessions.parquet'), sessions);
  log(describeLatency(users, name, treatments));
  log(`\n${formatExperimentResults(results)}`);
  return { users: first.groups.reduce((sum, { users }) => sum + users, 0), sessions: episodes, events: results.events };
}

/** Each user's best tracks by a recommender, after all that the user is known to like, and that among them. */
async function writeLists({ config, input, output, log }: Context): Promise<void> {
  const { recommenders, experiment } = config;
  const { lists: of = nameOf(recommenders[0]), k } = experiment;
  const recommender = await loadRecommender(dirname(input('fit-recommenders', `${of}/config.json`)));
  const { sequences, interactions } = await readDataset((file) => input('prepare-data', file));
  const { userIds, itemIds } = interactions;
  const histories = userIds.map((_, user) => sequenceOf(sequences, user));
  const lists = await topLists(recommender, { users: userIds.map(Number), histories }, { k, itemIds });
  await writeTrackLists(output('lists.jsonl'), lists);
  log(`${of}: lists of ${k} tracks for ${lists.size} users`);
}

/** The service that the experiment needs: its policies, and the models among them. */
function serviceConfig({ config, input, output, backend }: Context, logFolder: string): ServeConfig {
  const { recommenders, experiment, seed, 'fetch-data': fetching } = config;
  const { name, treatments, beamWidth } = experiment;
  const isOf = (types: readonly string[], policy: string) => types.includes(policy);
  const played = treatments.filter((policy) => !isOf([...cataloguePolicyTypes, ...listPolicyTypes], policy));
  // A service has one model at least.
  const served = played.length > 0 ? played : [nameOf(recommenders[0])];
  const modelOf = (model: string) =>
    model === 'tiger'
      ? { checkpoint: dirname(dirname(input('train-tiger', 'config.json'))), beamWidth }
      : { checkpoint: dirname(input('fit-recommenders', `${model}/config.json`)) };
  const policyOf = (policy: string) => {
    if (isOf(cataloguePolicyTypes, policy)) return { type: policy };
    if (isOf(listPolicyTypes, policy)) return { type: policy, lists: output('lists.jsonl') };
    return { type: 'model', model: policy };
  };
  return serveSchema.parse({
    port: 0,
    models: Object.fromEntries(served.map((model) => [model, { ...modelOf(model), ...(backend && { backend }) }])),
    state: { store: 'memory' },
    log: { folder: logFolder, maxBytes: Number.MAX_SAFE_INTEGER }, // in one file
    catalogue: catalogueConfig(fetching.sessions!, seed),
    policies: Object.fromEntries(treatments.map((policy) => [policy, policyOf(policy)])),
    experiments: [{ name, treatments, ...analysisOptions(experiment) }],
    seed,
  });
}

/** What each treatment costs: the service's own time, with as many users at a time as there were. */
function describeLatency(users: UserMetrics, experiment: string, treatments: readonly string[]): string {
  const { groups } = analyseUsers(users, experiment, { metrics: ['mean_request_latency'] });
  const means = groups.map(({ treatment, metrics }) => {
    return `${treatments[treatmentNumber(treatment)]} ${metrics.mean_request_latency.mean.toPrecision(2)}`;
  });
  return `milliseconds a track: ${means.join(', ')}`;
}

/**
 * The service's log must have what listeners were answered, event by event.
 *
 * @throws Error when it lacks one, or has another
 */
function checkLog(there: Sessions, here: Sessions): void {
  const isSame = (['users', 'tracks', 'time'] as const).every(
    (column) =>
      here[column].length === there[column].length && here[column].every((value, row) => value === there[column][row]),
  );
  if (isSame) return;
  const describe = ({ tracks }: Sessions) =>
    `${tracks.reduce((sum, of) => sum + of, 0)} events of ${tracks.length} sessions`;
  throw new Error(
    `internal: the service's log must have the ${describe(here)} that it acknowledged, got ${describe(there)}`,
  );
}
