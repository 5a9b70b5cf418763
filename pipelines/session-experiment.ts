import type { Interactions } from '@codebeam/data';
import { orderByTime, sequenceOf } from '@codebeam/data';
import { core, type FittedRecommender } from '@codebeam/recommenders';
import {
  type Catalogue,
  indexedInOrderPolicy,
  indexedPolicy,
  type Listeners,
  listensOf,
  type Policy,
  policyByTreatment,
  randomPolicy,
  restartWhenBoredPolicy,
  simulateSessions,
  stickyArtistPolicy,
  type TrackLists,
  topLists,
  topPopularPolicy,
} from '@codebeam/simulation';

/** The experiment of seed 003: lists of a model that was trained on simulated logs, played in three ways, against sticky-artist. */

/** Where listeners are, and what they can listen to. */
export interface World {
  catalogue: Catalogue;
  users: Listeners;
}

/** What users like under a third each of random, sticky-artist and top-popular: training data. */
export async function collectListens(
  { catalogue, users }: World,
  { episodes, seed }: { episodes: number; seed: number },
): Promise<Interactions> {
  const policies = [randomPolicy(catalogue), stickyArtistPolicy(catalogue), topPopularPolicy(catalogue)];
  const policy = policyByTreatment({ name: 'LOGS', ways: policies.length }, policies);
  return listensOf(await simulateSessions({ catalogue, users, policy, episodes, seed }));
}

/**
 * CORE on those listens.
 *
 * @param options  CORE's, with those of its training
 */
export async function fitCore(listens: Interactions, options: object, seed: number): Promise<FittedRecommender> {
  const { itemIds, userIds } = listens;
  const data = { sequences: orderByTime(listens), numItems: itemIds.length, fittedOn: 'train' as const };
  return core.fit({ ...data, itemIds, userIds }, options, { seed });
}

/** Each user's top 100 of a model, what the user likes already among them. */
export async function userLists(model: FittedRecommender, listens: Interactions): Promise<TrackLists> {
  const sequences = orderByTime(listens);
  const users = listens.userIds.map(Number);
  const histories = users.map((_, row) => sequenceOf(sequences, row));
  return topLists(model, { users, histories }, { k: 100, itemIds: listens.itemIds });
}

/** C sticky-artist; T1 the list in order, T2 from the top again when bored, T3 in random order. Users without a list get anything. */
export function listTreatments(catalogue: Catalogue, lists: TrackLists): Policy[] {
  const fallback = randomPolicy(catalogue);
  return [
    stickyArtistPolicy(catalogue),
    indexedInOrderPolicy(lists, fallback),
    restartWhenBoredPolicy(lists, fallback),
    indexedPolicy(lists, fallback),
  ];
}
