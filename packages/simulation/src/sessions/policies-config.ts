import type { Recommendations, Recommender } from '@codebeam/eval';
import { z } from 'zod';
import type { Policy } from '../policy.js';
import type { Catalogue } from './catalogue.js';
import { randomPolicy, repeatPolicy, stickyArtistPolicy, topPopularPolicy } from './catalogue-policies.js';
import {
  contextualPolicy,
  indexedInOrderPolicy,
  indexedPolicy,
  restartWhenBoredPolicy,
  sequentialPolicy,
  type TrackLists,
} from './list-policies.js';
import { recommenderPolicy } from './recommender-policy.js';
import { remotePolicy } from './remote-policy.js';
import { numbersOf, readTrackLists } from './track-lists.js';

const count = z.int().positive();
const path = z.string().min(1);
const fallback = z.string().optional().describe('policy for whoever has no list; random when left out');

const userListPolicies = {
  indexed: indexedPolicy,
  'indexed-in-order': indexedInOrderPolicy,
  'restart-when-bored': restartWhenBoredPolicy,
  sequential: sequentialPolicy,
};
const playsUserLists = z.enum(Object.keys(userListPolicies) as (keyof typeof userListPolicies)[]);

const cataloguePolicies = [
  z.strictObject({ type: z.literal('random') }),
  z.strictObject({ type: z.literal('sticky-artist') }),
  z.strictObject({ type: z.literal('top-popular'), top: count.default(100) }),
  z.strictObject({ type: z.literal('repeat') }),
] as const;

/** Types of policies that need the catalogue alone. */
export const cataloguePolicyTypes = cataloguePolicies.map(({ shape }) => shape.type.value);
/** Types of policies that play a list of each user. */
export const listPolicyTypes = playsUserLists.options;

const catalogueOrContext = [
  ...cataloguePolicies,
  z.strictObject({ type: z.literal('contextual'), lists: path.describe('JSON lines {"track", "tracks"}'), fallback }),
] as const;

/** Policies that need the catalogue alone, or files of lists. */
export const filePolicySchemas = [
  ...catalogueOrContext,
  z.strictObject({ type: playsUserLists, lists: path.describe('JSON lines {"user", "tracks"}'), fallback }),
] as const;

/** Those, and policies that ask a saved recommender or a service. */
export const policySchema = z.discriminatedUnion('type', [
  ...catalogueOrContext,
  z.strictObject({
    type: playsUserLists,
    lists: path.optional().describe('JSON lines {"user", "tracks"}'),
    checkpoint: path.optional().describe('folder of a saved recommender, whose lists for its users are taken'),
    k: count.optional().describe('tracks of a list of the checkpoint (100)'),
    fallback,
  }),
  z.strictObject({
    type: z.literal('recommender'),
    checkpoint: path.describe('folder of a saved recommender'),
    k: count.default(1).describe('tracks that are listed, of which one is drawn'),
    fallback,
  }),
  z.strictObject({ type: z.literal('remote'), url: z.url({ protocol: /^https?$/ }).describe("of botify's routes") }),
]);
export type PolicyConfig = z.output<typeof policySchema>;

/** A recommender that was saved with what it was fitted to. */
export interface SavedRecommender extends Recommender {
  readonly itemIds?: readonly string[];
  readonly userIds?: readonly string[];
  recommendToUsers?(users: readonly string[], k: number): Promise<Recommendations>;
}

export interface PolicyServices {
  catalogue: Catalogue;
  /** Path of a file or folder that a config names. */
  pathOf: (name: string) => string;
  /** Loads a saved recommender, where configs may name one. */
  loadRecommender?: (folder: string) => Promise<SavedRecommender>;
  /** Given to services that configs name. */
  apiKey?: string;
  /** Policies that are there already, which others may fall back to. */
  made?: ReadonlyMap<string, Policy>;
}

/**
 * What is wrong with names of policies that a config speaks of: fallbacks and `others` that it does not have.
 *
 * @param others  with where they stand in the config
 */
export function unknownPolicies(
  policies: Readonly<Record<string, object>>,
  others: readonly { name: string; path: (string | number)[] }[],
): { path: (string | number)[]; message: string }[] {
  const fallbacks = Object.entries(policies).flatMap(([name, policy]) => {
    const other = (policy as { fallback?: string }).fallback;
    return other === undefined ? [] : [{ name: other, path: ['policies', name, 'fallback'] }];
  });
  return [...fallbacks, ...others].flatMap(({ name, path }) =>
    Object.hasOwn(policies, name) ? [] : [{ path, message: `expected a policy: ${Object.keys(policies).join(', ')}` }],
  );
}

/**
 * The policies of those names, and what they fall back to.
 *
 * @throws RangeError naming what is wrong in files that the configs name, or fallbacks that never end
 */
export async function makePolicies(
  names: readonly string[],
  configs: Readonly<Record<string, PolicyConfig>>,
  services: PolicyServices,
): Promise<Policy[]> {
  const { catalogue, pathOf, loadRecommender, apiKey } = services;
  const made = new Map(services.made); // fallbacks are made once

  async function make(name: string, above: readonly string[] = []): Promise<Policy> {
    const known = made.get(name);
    if (known) return known;
    if (above.includes(name)) {
      throw new RangeError(
        `simulation: fallbacks must end somewhere, got ${[...above, name].join(' > ')}; let one be a policy without a fallback`,
      );
    }
    const config = configs[name];
    const policy = { ...(await policyOf(name, config, [...above, name])), name };
    made.set(name, policy);
    return policy;
  }

  async function policyOf(name: string, config: PolicyConfig, path: readonly string[]): Promise<Policy> {
    const fallbackOf = async ({ fallback }: { fallback?: string | undefined }) =>
      fallback === undefined ? randomPolicy(catalogue) : make(fallback, path);
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
        const lists = await readTrackLists(pathOf(config.lists), { ...catalogue, by: 'track' });
        return contextualPolicy(lists, await fallbackOf(config));
      }
      case 'recommender': {
        const recommender = await load(name, config.checkpoint);
        const { itemIds } = recommender;
        return recommenderPolicy(recommender, { fallback: await fallbackOf(config), k: config.k, itemIds });
      }
      case 'remote':
        return remotePolicy(config.url, apiKey === undefined ? {} : { apiKey });
      default:
        return userListPolicies[config.type](await userLists(name, config), await fallbackOf(config));
    }
  }

  async function userLists(
    name: string,
    { lists, checkpoint, k }: Extract<PolicyConfig, { type: keyof typeof userListPolicies }>,
  ): Promise<TrackLists> {
    if ((lists === undefined) === (checkpoint === undefined)) {
      throw new RangeError(
        `simulation: policies.${name} must have lists or a checkpoint, got ${lists === undefined ? 'neither' : 'both'}; name one of them`,
      );
    }
    if (lists !== undefined && k !== undefined) {
      throw new RangeError(
        `simulation: policies.${name}.k must be left out beside lists, got ${k}; lists are as long as the file has them`,
      );
    }
    return lists !== undefined
      ? readTrackLists(pathOf(lists), catalogue)
      : listsForItsUsers(name, await load(name, checkpoint!), k ?? 100, catalogue);
  }

  function load(name: string, checkpoint: string): Promise<SavedRecommender> {
    if (!loadRecommender) throw new Error(`internal: simulation: policies.${name} may not name a checkpoint here`);
    return loadRecommender(pathOf(checkpoint));
  }

  const policies: Policy[] = [];
  for (const name of names) policies.push(await make(name));
  return policies;
}

async function listsForItsUsers(
  policy: string,
  { name, userIds, itemIds, recommendToUsers }: SavedRecommender,
  k: number,
  { numTracks }: Pick<Catalogue, 'numTracks'>,
): Promise<TrackLists> {
  if (!userIds || !recommendToUsers) {
    throw new RangeError(
      `simulation: checkpoint of policies.${policy} must know its users, got ${name} without; write lists to a file`,
    );
  }
  const users = numbersOf(`users of the checkpoint of policies.${policy}`, userIds);
  const trackOf = itemIds && numbersOf(`items of the checkpoint of policies.${policy}`, itemIds, numTracks);
  const { items } = await recommendToUsers(userIds, k);
  return new Map(
    Array.from(users, (user, row) => {
      const list = items.subarray(row * k, (row + 1) * k).filter((item) => item >= 0);
      return [user, trackOf ? list.map((item) => trackOf[item]) : list];
    }),
  );
}
