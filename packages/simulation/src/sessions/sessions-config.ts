import type { Recommendations, Recommender } from '@codebeam/eval';
import { z } from 'zod';
import { analyseExperiment, type ExperimentAnalysis } from '../experiments/analyse-experiment.js';
import { experimentConfigSchema } from '../experiments/experiment-config.js';
import { policyByTreatment } from '../experiments/policy-by-treatment.js';
import { type Sessions, sessionise } from '../experiments/sessionise.js';
import type { Policy } from '../policy.js';
import { type Catalogue, loadCatalogue, syntheticCatalogue } from './catalogue.js';
import { randomPolicy, repeatPolicy, stickyArtistPolicy, topPopularPolicy } from './catalogue-policies.js';
import type { EventLog } from './event-log.js';
import {
  contextualPolicy,
  indexedInOrderPolicy,
  indexedPolicy,
  restartWhenBoredPolicy,
  sequentialPolicy,
  type TrackLists,
} from './list-policies.js';
import { type Listeners, loadListeners, syntheticListeners } from './listeners.js';
import { recommenderPolicy } from './recommender-policy.js';
import type { PolicySessions } from './render-sessions.js';
import { simulateSessions } from './simulate-sessions.js';
import { readTrackLists } from './track-lists.js';

const count = z.int().positive();
const seed = z.int().nonnegative().default(42).describe('of what is made up; the run has a seed of its own');
const genres = count.default(48);
const width = z.int().min(4).default(32).describe('D, of embeddings');
const path = z.string().min(1);
const fallback = z.string().optional().describe('policy for whoever has no list; random when left out');
const perUser = {
  lists: path.optional().describe('JSON lines {"user", "tracks"}'),
  checkpoint: path.optional().describe('folder of a saved recommender, whose lists for its users are taken'),
  k: count.default(100).describe('tracks of a list of the checkpoint'),
  fallback,
};

const policySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('random') }),
  z.strictObject({ type: z.literal('sticky-artist') }),
  z.strictObject({ type: z.literal('top-popular'), top: count.default(100) }),
  z.strictObject({ type: z.literal('repeat') }),
  z.strictObject({ type: z.literal('indexed'), ...perUser }),
  z.strictObject({ type: z.literal('indexed-in-order'), ...perUser }),
  z.strictObject({ type: z.literal('restart-when-bored'), ...perUser }),
  z.strictObject({ type: z.literal('sequential'), ...perUser }),
  z.strictObject({ type: z.literal('contextual'), lists: path.describe('JSON lines {"track", "tracks"}'), fallback }),
  z.strictObject({
    type: z.literal('recommender'),
    checkpoint: path.describe('folder of a saved recommender'),
    k: count.default(1).describe('tracks that are listed, of which one is drawn'),
    fallback,
  }),
]);
type PolicyConfig = z.output<typeof policySchema>;

/** Everything that `codebeam simulate sessions` is told. */
export const sessionsSchema = z
  .strictObject({
    catalogue: z
      .discriminatedUnion('type', [
        z.strictObject({
          type: z.literal('synthetic'),
          tracks: count.default(5000),
          artists: count.optional(),
          genres,
          width,
          seed,
        }),
        z.strictObject({
          type: z.literal('files'),
          tracks: path,
          topTracks: path.optional(),
          embeddings: path.optional().describe('.npy of [tracks, D]; made up when left out'),
          genres,
          width,
          seed,
        }),
      ])
      .prefault({ type: 'synthetic' }),
    users: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('synthetic'), count: count.default(1000), seed }),
        z.strictObject({ type: z.literal('file'), path }),
      ])
      .prefault({ type: 'synthetic' }),
    policies: z.record(z.string().min(1), policySchema).refine((policies) => Object.keys(policies).length > 0, {
      error: 'one policy at least must be given',
    }),
    episodes: count.default(10_000).describe('sessions, of each policy or of the experiment'),
    parallel: count.default(256).describe('sessions side by side; changes no result'),
    interestNeighbours: count.default(10),
    sessionBudget: count.default(5),
    artistDiscount: z.number().min(0).max(1).default(0.8),
    measureLatency: z.boolean().default(false).describe('by the real clock; logs of equal seeds then differ in it'),
    experiment: experimentConfigSchema
      .extend({ treatments: z.array(z.string()).min(2).describe("names of policies, the control's first") })
      .optional()
      .describe('users are split among policies; without it each policy has all users'),
    listens: z
      .strictObject({ minTime: z.number().min(0).max(1).default(0.8), minInteractions: count.default(3) })
      .optional()
      .describe('training data to write'),
  })
  .superRefine(({ policies, experiment }, context) => {
    const names = Object.keys(policies);
    const missing = (name: string, path: (string | number)[]) =>
      context.addIssue({ code: 'custom', path, message: `must be a policy (${names.join(', ')}), got ${name}` });
    for (const [name, policy] of Object.entries(policies)) {
      if ('fallback' in policy && policy.fallback !== undefined && !(policy.fallback in policies)) {
        missing(policy.fallback, ['policies', name, 'fallback']);
      }
    }
    for (const [i, name] of (experiment?.treatments ?? []).entries()) {
      if (!(name in policies)) missing(name, ['experiment', 'treatments', i]);
      if (experiment!.treatments.indexOf(name) < i) {
        context.addIssue({
          code: 'custom',
          path: ['experiment', 'treatments', i],
          message: `must be a policy that no other treatment has, got ${name} again; name it twice under policies`,
        });
      }
    }
  });
export type SessionsConfig = z.output<typeof sessionsSchema>;

/** A recommender that was saved with what it was fitted to. */
export interface SavedRecommender extends Recommender {
  readonly itemIds?: readonly string[];
  readonly userIds?: readonly string[];
  recommendToUsers?(users: readonly string[], k: number): Promise<Recommendations>;
}

/** What a config's names stand for. */
export interface SessionServices {
  /** Path of a file or folder that the config names. */
  pathOf: (name: string) => string;
  /** Loads a saved recommender. */
  loadRecommender: (folder: string) => Promise<SavedRecommender>;
  onProgress?: (policy: string, progress: { done: number; total: number }) => void;
}

/** What came of a config. */
export interface SessionsRun {
  config: SessionsConfig;
  seed: number;
  /** One log of each policy, or that of the experiment. */
  logs: { name: string; log: EventLog; sessions: Sessions }[];
  policies: PolicySessions[];
  analysis?: ExperimentAnalysis;
}

/**
 * Simulates what a config says.
 *
 * @throws RangeError naming what is wrong in files that it names
 */
export async function runSessions(
  config: SessionsConfig,
  seed: number,
  services: SessionServices,
): Promise<SessionsRun> {
  const { experiment, policies: wanted } = config;
  const catalogue = await makeCatalogue(config, services);
  const users = await makeListeners(config, catalogue, services);
  const made = new Map<string, Policy>();
  const names = experiment?.treatments ?? Object.keys(wanted);
  const policies: Policy[] = [];
  for (const name of names) policies.push(await makePolicy(name, wanted, catalogue, services, made));
  const simulate = async (name: string, policy: Policy) => {
    const { episodes, parallel, interestNeighbours, sessionBudget, artistDiscount, measureLatency } = config;
    const log = await simulateSessions({
      ...{ catalogue, users, policy, seed, episodes, parallel },
      ...{ interestNeighbours, sessionBudget, artistDiscount, measureLatency },
      ...(experiment && { experiments: [{ name: experiment.name, ways: names.length }] }),
      onProgress: (progress) => services.onProgress?.(name, progress),
    });
    return { name, log, sessions: sessionise(log) };
  };
  if (experiment) {
    const { name, metrics, alpha, correction, peeking } = experiment;
    const run = await simulate(name, policyByTreatment({ name, ways: names.length }, policies));
    const treatments = run.sessions.experiments[name];
    const rowsOf = (bucket: number) => Int32Array.from(treatments.keys()).filter((row) => treatments[row] === bucket);
    return {
      ...{ config, seed },
      logs: [run],
      policies: names.map((policy, bucket) => ({ policy, sessions: run.sessions, rows: rowsOf(bucket) })),
      analysis: analyseExperiment(run.log, name, {
        ...{ alpha, correction },
        ...(metrics && { metrics }),
        ...(peeking && { peeking }),
      }),
    };
  }
  const logs: SessionsRun['logs'] = [];
  for (const [i, name] of names.entries()) logs.push(await simulate(name, policies[i]));
  return { config, seed, logs, policies: logs.map(({ name, sessions }) => ({ policy: name, sessions })) };
}

async function makeCatalogue({ catalogue }: SessionsConfig, { pathOf }: SessionServices): Promise<Catalogue> {
  if (catalogue.type === 'files') {
    const { tracks, topTracks, embeddings, ...options } = catalogue;
    return loadCatalogue(
      {
        tracks: pathOf(tracks),
        ...(topTracks !== undefined && { topTracks: pathOf(topTracks) }),
        ...(embeddings !== undefined && { embeddings: pathOf(embeddings) }),
      },
      options,
    );
  }
  const { artists, ...options } = catalogue;
  return syntheticCatalogue({ ...options, ...(artists !== undefined && { artists }) });
}

async function makeListeners(
  { users }: SessionsConfig,
  catalogue: Catalogue,
  { pathOf }: SessionServices,
): Promise<Listeners> {
  if (users.type === 'file') return loadListeners(pathOf(users.path), catalogue);
  return syntheticListeners(catalogue, { seed: users.seed, users: users.count });
}

/** @param made  policies by name so far: fallbacks are made once */
async function makePolicy(
  name: string,
  configs: Readonly<Record<string, PolicyConfig>>,
  catalogue: Catalogue,
  services: SessionServices,
  made: Map<string, Policy>,
  above: readonly string[] = [],
): Promise<Policy> {
  const known = made.get(name);
  if (known) return known;
  if (above.includes(name)) {
    throw new RangeError(
      `simulation: fallbacks must end somewhere, got ${[...above, name].join(' > ')}; let one be a policy without a fallback`,
    );
  }
  const config = configs[name];
  const fallbackOf = async ({ fallback }: { fallback?: string | undefined }) =>
    fallback === undefined
      ? randomPolicy(catalogue)
      : makePolicy(fallback, configs, catalogue, services, made, [...above, name]);
  const make = async (): Promise<Policy> => {
    switch (config.type) {
      case 'random':
        return randomPolicy(catalogue);
      case 'sticky-artist':
        return stickyArtistPolicy(catalogue);
      case 'top-popular':
        return topPopularPolicy(catalogue, config.top);
      case 'repeat':
        return repeatPolicy();
      case 'contextual': {
        const lists = await readTrackLists(services.pathOf(config.lists), catalogue);
        return contextualPolicy(lists, await fallbackOf(config));
      }
      case 'recommender': {
        const recommender = await services.loadRecommender(services.pathOf(config.checkpoint));
        const { itemIds } = recommender;
        return recommenderPolicy(recommender, { fallback: await fallbackOf(config), k: config.k, itemIds });
      }
      default: {
        const lists = await userLists(name, config, catalogue, services);
        return listPolicies[config.type](lists, await fallbackOf(config));
      }
    }
  };
  const policy = { ...(await make()), name };
  made.set(name, policy);
  return policy;
}

const listPolicies = {
  indexed: indexedPolicy,
  'indexed-in-order': indexedInOrderPolicy,
  'restart-when-bored': restartWhenBoredPolicy,
  sequential: sequentialPolicy,
};

async function userLists(
  name: string,
  { lists, checkpoint, k }: Extract<PolicyConfig, { type: keyof typeof listPolicies }>,
  catalogue: Catalogue,
  { pathOf, loadRecommender }: SessionServices,
): Promise<TrackLists> {
  if ((lists === undefined) === (checkpoint === undefined)) {
    throw new RangeError(
      `simulation: policies.${name} must have lists or a checkpoint, got ${lists === undefined ? 'neither' : 'both'}; name one of them`,
    );
  }
  if (lists !== undefined) return readTrackLists(pathOf(lists), catalogue);
  const recommender = await loadRecommender(pathOf(checkpoint!));
  const { userIds, itemIds, recommendToUsers } = recommender;
  if (!userIds || !recommendToUsers) {
    throw new RangeError(
      `simulation: checkpoint of policies.${name} must know its users, got ${recommender.name} without; write lists to a file`,
    );
  }
  const { items } = await recommendToUsers(userIds, k);
  const trackOf = (item: number) => (itemIds ? Number(itemIds[item]) : item);
  return new Map(
    userIds.map((user, row) => [
      Number(user),
      items
        .subarray(row * k, (row + 1) * k)
        .filter((item) => item >= 0)
        .map(trackOf),
    ]),
  );
}
