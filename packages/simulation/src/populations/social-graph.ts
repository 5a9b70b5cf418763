import type { Generator } from '@codebeam/random';

/**
 * Who hears from whom, by rows (CSR): user u's row holds the users that u follows, in ascending order, each once. What they do reaches u.
 * A value: changing it makes another.
 */
export interface SocialGraph {
  numUsers: number;
  /** [U+1] */
  offsets: Int32Array;
  /** [edges] */
  targets: Int32Array;
}

/** One user and another whom they follow. */
export type Edge = readonly [user: number, followed: number];

/** A graph of edges; one given twice counts once. */
export function socialGraph(numUsers: number, edges: Iterable<Edge>): SocialGraph {
  const empty = { numUsers, offsets: new Int32Array(numUsers + 1), targets: new Int32Array(0) };
  return follow(empty, edges);
}

/** The users that a user follows: the row itself, not a copy. */
export function followedBy({ offsets, targets }: SocialGraph, user: number): Int32Array {
  return targets.subarray(offsets[user], offsets[user + 1]);
}

/**
 * Lets users follow others. Unlike T-RECS' `follow`, which writes the edge into the row of the user who is followed, so that
 * recommendations flow from follower to followed, u hears of what `followed` does.
 *
 * @throws RangeError when there is no such user
 */
export function follow(graph: SocialGraph, edges: Iterable<Edge>): SocialGraph {
  return changeRows(graph, edges, (row, followed) => row.add(followed));
}

/** Takes edges out; those that are not there change nothing. */
export function unfollow(graph: SocialGraph, edges: Iterable<Edge>): SocialGraph {
  return changeRows(graph, edges, (row, followed) => row.delete(followed));
}

/** Lets two users follow each other. */
export function addFriends(graph: SocialGraph, pairs: Iterable<Edge>): SocialGraph {
  return follow(graph, bothWays(pairs));
}

/** Ends what {@link addFriends} began. */
export function removeFriends(graph: SocialGraph, pairs: Iterable<Edge>): SocialGraph {
  return unfollow(graph, bothWays(pairs));
}

function* bothWays(pairs: Iterable<Edge>): Iterable<Edge> {
  for (const [a, b] of pairs) yield* [[a, b] as const, [b, a] as const];
}

function changeRows(
  graph: SocialGraph,
  edges: Iterable<Edge>,
  change: (row: Set<number>, followed: number) => void,
): SocialGraph {
  const { numUsers } = graph;
  const changed = new Map<number, Set<number>>();
  for (const [user, followed] of edges) {
    for (const one of [user, followed]) {
      if (!Number.isInteger(one) || one < 0 || one >= numUsers) {
        throw new RangeError(`simulation: users of a graph must be in [0, ${numUsers}), got ${one}`);
      }
    }
    const row = changed.get(user) ?? new Set(followedBy(graph, user));
    changed.set(user, row);
    change(row, followed);
  }
  const rows = (user: number) => {
    const row = changed.get(user);
    return row ? Int32Array.from(row).sort() : followedBy(graph, user);
  };
  return joinRows(numUsers, rows);
}

function joinRows(numUsers: number, row: (user: number) => Int32Array): SocialGraph {
  const rows = Array.from({ length: numUsers }, (_, user) => row(user));
  const offsets = new Int32Array(numUsers + 1);
  for (const [user, { length }] of rows.entries()) offsets[user + 1] = offsets[user] + length;
  const targets = new Int32Array(offsets[numUsers]);
  for (const [user, values] of rows.entries()) targets.set(values, offsets[user]);
  return { numUsers, offsets, targets };
}

/** As many more users, who follow nobody and whom nobody follows. */
export function growGraph({ numUsers, offsets, targets }: SocialGraph, more: number): SocialGraph {
  const grown = new Int32Array(numUsers + more + 1).fill(offsets[numUsers]);
  grown.set(offsets);
  return { numUsers: numUsers + more, offsets: grown, targets };
}

/** @throws RangeError when a graph is not of as many users */
export function checkUsers(graph: SocialGraph, numUsers: number): void {
  if (graph.numUsers === numUsers) return;
  throw new RangeError(
    `simulation: graph must have ${numUsers} users like the population, got ${graph.numUsers}; give addUsers the graph of all`,
  );
}

/** Most edges that are drawn at once. */
const maxEntries = 2 ** 26;

/**
 * G(n, p): each pair of users are friends with probability p. Time and memory go with the number of friendships, not of pairs: the
 * distance to the next is drawn. Batagelj & Brandes 2005, "Efficient generation of large random networks", sec. II.
 *
 * @throws RangeError when p is no probability, or too many friendships are to be expected
 */
export function randomGraph(numUsers: number, probability: number, random: Generator): SocialGraph {
  return growRandomGraph(socialGraph(0, []), numUsers, probability, random);
}

/** As many more users, each of them friends with each other user, old or new, with probability p: G(n, p) stays one. */
export function growRandomGraph(old: SocialGraph, more: number, probability: number, random: Generator): SocialGraph {
  const numUsers = old.numUsers + more;
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`simulation: probability of a friendship must be from 0 to 1, got ${probability}`);
  }
  const expected = probability * (numUsers * (numUsers - 1) - old.numUsers * (old.numUsers - 1));
  if (expected > maxEntries) {
    throw new RangeError(
      `simulation: friendships must be fewer than ${maxEntries / 2}, got ${expected / 2} to be expected; lower the probability for ${numUsers} users`,
    );
  }
  // Pairs (v, w) with w < v, those of one v after those of the last.
  const pairs: number[] = [];
  const degrees = new Int32Array(numUsers + 1);
  const rate = Math.log1p(-probability);
  for (let v = Math.max(1, old.numUsers), w = -1; probability > 0 && v < numUsers; ) {
    w += 1 + (probability === 1 ? 0 : Math.floor(Math.log(1 - random.uniform()) / rate));
    while (w >= v && v < numUsers) w -= v++;
    if (v >= numUsers) break;
    pairs.push(v, w);
    degrees[v + 1]++;
    degrees[w + 1]++;
  }
  for (let user = 0; user < old.numUsers; user++) degrees[user + 1] += followedBy(old, user).length;
  const offsets = degrees;
  for (let user = 0; user < numUsers; user++) offsets[user + 1] += offsets[user];
  const next = offsets.slice(0, -1);
  const targets = new Int32Array(offsets[numUsers]);
  for (let user = 0; user < old.numUsers; user++) {
    targets.set(followedBy(old, user), next[user]);
    next[user] += followedBy(old, user).length;
  }
  for (let at = 0; at < pairs.length; at += 2) {
    const [v, w] = [pairs[at], pairs[at + 1]];
    targets[next[v]++] = w;
    targets[next[w]++] = v;
  }
  // A user's row gets the smaller before the larger ones: pairs come in order of v, then of w.
  return { numUsers, offsets, targets };
}
