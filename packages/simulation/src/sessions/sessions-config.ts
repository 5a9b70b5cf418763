import { z } from 'zod';
import { analyseUsers, type ExperimentAnalysis } from '../experiments/analyse-experiment.js';
import { bucketsOf, type Experiment } from '../experiments/buckets.js';
import { analysisOptions, experimentSchema, planSchema } from '../experiments/experiment-config.js';
import { policyByTreatment } from '../experiments/policy-by-treatment.js';
import { type Sessions, sessionise } from '../experiments/sessionise.js';
import { userMetrics } from '../experiments/user-metrics.js';
import type { Policy } from '../policy.js';
import type { Catalogue } from './catalogue.js';
import { catalogueSchema, makeCatalogue } from './catalogue-config.js';
import type { EventLog } from './event-log.js';
import { type Listeners, loadListeners, syntheticListeners } from './listeners.js';
import { makePolicies, type PolicyServices, policySchema, unknownPolicies } from './policies-config.js';
import type { PolicySessions } from './render-sessions.js';
import { simulateSessions } from './simulate-sessions.js';

const count = z.int().positive();
const seed = z.int().nonnegative().default(42).describe('of what is made up; the run has a seed of its own');

/** Everything that `codebeam simulate sessions` is told. */
export const sessionsSchema = z
  .strictObject({
    catalogue: catalogueSchema.prefault({ type: 'synthetic' }),
    users: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('synthetic'), count: count.default(1000), seed }),
        z.strictObject({ type: z.literal('file'), path: z.string().min(1) }),
      ])
      .prefault({ type: 'synthetic' }),
    policies: z
      .record(z.string().min(1), policySchema)
      .refine((policies) => Object.keys(policies).length > 0, { error: 'one policy at least must be given' })
      .refine((policies) => !Object.keys(policies).some((name) => /^\.|\.(html|json)$/.test(name)), {
        error: 'names of policies must not begin with a dot or end in .html or .json: folders are called by them',
      }),
    episodes: count.default(10_000).describe('sessions, of each policy or of the experiment'),
    parallel: count.default(256).describe('sessions side by side; changes no result'),
    interestNeighbours: count.default(10),
    sessionBudget: count.default(5),
    artistDiscount: z.number().min(0).max(1).default(0.8),
    measureLatency: z.boolean().default(false).describe('by the real clock; logs of equal seeds then differ in it'),
    experiment: experimentSchema
      .extend({ plan: planSchema.optional() })
      .optional()
      .describe('users are split among policies; without it each policy has all users'),
    listens: z
      .strictObject({ minTime: z.number().min(0).max(1).default(0.8), minInteractions: count.default(3) })
      .optional()
      .describe('training data to write'),
  })
  .superRefine(({ policies, experiment }, context) => {
    const treatments = experiment?.treatments ?? [];
    const named = treatments.map((name, i) => ({ name, path: ['experiment', 'treatments', i] }));
    for (const issue of unknownPolicies(policies, named)) context.addIssue({ code: 'custom', ...issue });
    for (const { path } of named.filter(({ name }, i) => treatments.indexOf(name) < i)) {
      const message = 'expected a policy that no other treatment has; name it twice under policies';
      context.addIssue({ code: 'custom', path, message });
    }
  });
export type SessionsConfig = z.output<typeof sessionsSchema>;

/** What a config's names stand for. */
export interface SessionServices
  extends Required<Pick<PolicyServices, 'pathOf' | 'loadRecommender'>>,
    Pick<PolicyServices, 'apiKey'> {
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
  const catalogue = await makeCatalogue(config.catalogue, services.pathOf);
  const users = await makeListeners(config, catalogue, services);
  const names = experiment?.treatments ?? Object.keys(wanted);
  const policies = await makePolicies(names, wanted, { ...services, catalogue });
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
    const { name } = experiment;
    checkGroups({ name, ways: names.length }, users.numUsers, names);
    const run = await simulate(name, policyByTreatment({ name, ways: names.length }, policies));
    const treatments = run.sessions.experiments[name];
    const rowsOf = (bucket: number) => Int32Array.from(treatments.keys()).filter((row) => treatments[row] === bucket);
    return {
      ...{ config, seed },
      logs: [run],
      policies: names.map((policy, bucket) => ({ policy, sessions: run.sessions, rows: rowsOf(bucket) })),
      analysis: analyseUsers(userMetrics(run.sessions), name, analysisOptions(experiment)),
    };
  }
  const logs: SessionsRun['logs'] = [];
  for (const [i, name] of names.entries()) logs.push(await simulate(name, policies[i]));
  return { config, seed, logs, policies: logs.map(({ name, sessions }) => ({ policy: name, sessions })) };
}

async function makeListeners(
  { users }: SessionsConfig,
  catalogue: Catalogue,
  { pathOf }: SessionServices,
): Promise<Listeners> {
  if (users.type === 'file') return loadListeners(pathOf(users.path), catalogue);
  return syntheticListeners(catalogue, { seed: users.seed, users: users.count });
}

/** Beforehand, for the simulation may take long. */
function checkGroups(experiment: Experiment, numUsers: number, policies: readonly string[]): void {
  const groups = policies.map(() => 0);
  for (const group of bucketsOf(experiment, numUsers)) groups[group]++;
  const small = groups.findIndex((size) => size < 2);
  if (small < 0) return;
  throw new RangeError(
    `simulation: experiment ${experiment.name} must have two users at least under each policy, got ${groups[small]} of ${numUsers} under ${policies[small]}; simulate more users`,
  );
}
