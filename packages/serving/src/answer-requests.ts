import { emptyRecommendations, type Recommendations, writeTopK } from '@codebeam/eval';
import type { GeneratedLists } from '@codebeam/tiger';
import type { Checkpoint } from './load-checkpoint.js';

/** What one caller wants of a model, in dense item ids. */
export interface ListRequest {
  /** Oldest first; left out, it is the user's in training. */
  history?: Int32Array;
  user?: string;
  k: number;
  /** Of TIGER only; as the checkpoint was loaded where left out. */
  beamWidth?: number;
  /** Whether items of the history may be listed again. */
  keepHistory?: boolean;
  /** Items that must not be listed. */
  blocked?: Int32Array;
  /** The only items that may be listed. */
  allowed?: Int32Array;
}

/** Best first, with no empty places: a short list is all that there is. */
export interface ListAnswer {
  items: Int32Array;
  scores: Float32Array;
  /** [items * positions] of TIGER: log-probability of each item's ID up to each position. */
  prefixScores?: Float32Array;
}

/** What was wrong with a request: its caller's fault, and nobody else's. */
export interface Refusal {
  refused: string;
}

/**
 * Answers the requests of many callers with as few questions to the model as they allow. Each gets what it would get alone.
 *
 * @returns [requests] lists, or what is wrong with a request
 */
export async function answerRequests(
  checkpoint: Checkpoint,
  requests: readonly ListRequest[],
): Promise<(ListAnswer | Refusal)[]> {
  const answers: (ListAnswer | Refusal)[] = new Array(requests.length);
  const groups = new Map<string, number[]>();
  for (const [place, request] of requests.entries()) {
    const refused = refuse(checkpoint, request);
    if (refused !== undefined) answers[place] = { refused };
    else {
      const key = groupOf(checkpoint, request);
      groups.set(key, [...(groups.get(key) ?? []), place]);
    }
  }
  for (const places of groups.values()) {
    const lists = await answerGroup(
      checkpoint,
      places.map((place) => requests[place]),
    );
    for (const [i, place] of places.entries()) answers[place] = lists[i];
  }
  return answers;
}

function refuse(checkpoint: Checkpoint, { history, user, beamWidth }: ListRequest): string | undefined {
  if (beamWidth !== undefined && !checkpoint.tiger) {
    return `beamWidth must be left out but for TIGER, got ${beamWidth} for ${checkpoint.recommender.name}`;
  }
  if (history) return undefined;
  if (user === undefined) return 'one of history and user must be given, got neither';
  if (!checkpoint.recommendToUsers) {
    return `history must be given, got user ${user} alone; ${checkpoint.recommender.name} keeps no histories`;
  }
  return knownUsers(checkpoint).has(user)
    ? undefined
    : `user must be of the training data, got ${user}; give a history`;
}

const usersOf = new WeakMap<Checkpoint, ReadonlySet<string>>();
function knownUsers(checkpoint: Checkpoint): ReadonlySet<string> {
  const known = usersOf.get(checkpoint) ?? new Set(checkpoint.userIds);
  usersOf.set(checkpoint, known);
  return known;
}

/** Requests of a group go to the model as one. Beams are searched at one width, and it must be what each would have alone. */
function groupOf({ tiger, recommender }: Checkpoint, request: ListRequest): string {
  const { history, user, k, beamWidth, keepHistory = false } = request;
  const width = tiger && Math.max(beamWidth ?? tiger.beamWidth, k);
  const isMasked = !tiger && (request.blocked !== undefined || request.allowed !== undefined);
  const way = isMasked ? (recommender.score ? 'masked' : 'picked') : 'whole';
  return [history !== undefined, user !== undefined, keepHistory, width, way].join();
}

async function answerGroup(checkpoint: Checkpoint, requests: readonly ListRequest[]): Promise<ListAnswer[]> {
  const { recommender, numItems, tiger } = checkpoint;
  const [{ history, user, keepHistory = false, beamWidth }] = requests;
  const k = Math.max(...requests.map((request) => request.k));
  if (history === undefined) {
    const lists = await checkpoint.recommendToUsers!(
      requests.map((request) => request.user!),
      depthOf(requests, numItems),
    );
    return pick(lists, requests, numItems);
  }
  const histories = requests.map((request) => request.history!);
  const options = {
    maskHistory: !keepHistory,
    ...(user !== undefined && { users: requests.map((request) => request.user!) }),
  };
  if (tiger) {
    const generator = tiger.withBeamWidth(Math.max(beamWidth ?? tiger.beamWidth, k));
    const blocked = requests.map((request) => forbidden(request, numItems));
    const lists = await generator.recommend(histories, k, {
      ...options,
      // A model with user tokens must be told a user; who is not named shares one, like everybody whom training has not seen.
      users: options.users ?? requests.map(() => ''),
      ...(blocked.some(({ length }) => length > 0) && { blocked }),
    });
    return requests.map((request, row) => cut(lists, row, request.k));
  }
  const isWhole = requests.every(({ blocked, allowed }) => !blocked && !allowed);
  if (isWhole) {
    const lists = await recommender.recommend(histories, k, options);
    return requests.map((request, row) => cut(lists, row, request.k));
  }
  if (recommender.score) return masked(checkpoint, requests, options);
  return pick(await recommender.recommend(histories, depthOf(requests, numItems), options), requests, numItems);
}

/** Lists from the scores of all items, without those that are not wanted. */
async function masked(
  { recommender, numItems }: Checkpoint,
  requests: readonly ListRequest[],
  { maskHistory, users }: { maskHistory: boolean; users?: readonly string[] },
): Promise<ListAnswer[]> {
  const answers: ListAnswer[] = [];
  for (const [row, request] of requests.entries()) {
    const history = request.history!;
    const scores = await recommender.score!([history], users && { users: [users[row]] }); // [N]
    if (maskHistory) for (const item of history) scores[item] = -Infinity;
    for (const item of forbidden(request, numItems)) scores[item] = -Infinity;
    const list = emptyRecommendations(1, request.k);
    writeTopK(scores, list, 0);
    answers.push(cut(list, 0, request.k));
  }
  return answers;
}

/** How long lists must be so that k items are left whatever is struck out. */
function depthOf(requests: readonly ListRequest[], numItems: number): number {
  const needed = requests.map(({ k, blocked, allowed }) => (allowed ? numItems : k + (blocked?.length ?? 0)));
  return Math.min(numItems, Math.max(...needed));
}

/** What is left of each list when the unwanted is struck out. */
function pick(lists: Recommendations, requests: readonly ListRequest[], numItems: number): ListAnswer[] {
  return requests.map((request, row) => {
    const { items, scores } = cut(lists, row, lists.k);
    const without = new Set(forbidden(request, numItems));
    const kept = Array.from(items.keys())
      .filter((place) => !without.has(items[place]))
      .slice(0, request.k);
    return {
      items: Int32Array.from(kept, (place) => items[place]),
      scores: Float32Array.from(kept, (place) => scores[place]),
    };
  });
}

/** Every item that a request does not want. */
function forbidden({ blocked, allowed }: ListRequest, numItems: number): Int32Array {
  if (!allowed) return blocked ?? new Int32Array(0);
  const isWanted = new Uint8Array(numItems);
  for (const item of allowed) isWanted[item] = 1;
  for (const item of blocked ?? []) isWanted[item] = 0;
  return Int32Array.from(isWanted.keys()).filter((item) => !isWanted[item]);
}

/** The first places of a list, up to k or to where it is empty. */
function cut(lists: Recommendations & Partial<GeneratedLists>, row: number, k: number): ListAnswer {
  const start = row * lists.k;
  const empty = lists.items.indexOf(-1, start);
  const length = Math.min(k, (empty < 0 || empty >= start + lists.k ? start + lists.k : empty) - start);
  const positions = lists.prefixScores && lists.prefixScores.length / lists.items.length;
  return {
    items: lists.items.slice(start, start + length),
    scores: lists.scores.slice(start, start + length),
    ...(positions && { prefixScores: lists.prefixScores!.slice(start * positions, (start + length) * positions) }),
  };
}
