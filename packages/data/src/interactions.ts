import { type Key, permutation } from '@codebeam/random';

/** One row as a reader yields it. */
export interface RawInteraction {
  user: string;
  item: string;
  /** Unix seconds. */
  timestamp: number;
  rating?: number;
}

/** Who met what and when: one entry per row, in the order of the file, with dense ids from 0. */
export interface Interactions {
  users: Int32Array;
  items: Int32Array;
  /** Unix seconds. */
  timestamps: Float64Array;
  /** Source id by dense user id; dense ids are handed out by first appearance. */
  userIds: string[];
  /** Source id by dense item id; dense ids are handed out by first appearance. */
  itemIds: string[];
}

/** Every user's items, oldest first, as compressed rows: user u owns `items[offsets[u] .. offsets[u + 1])`. */
export interface Sequences {
  /** [users + 1] */
  offsets: Int32Array;
  items: Int32Array;
}

/**
 * Gathers rows into columns and gives users and items dense ids by first appearance.
 *
 * @throws Error when there are no rows
 */
export async function collectInteractions(
  rows: AsyncIterable<RawInteraction> | Iterable<RawInteraction>,
): Promise<Interactions> {
  const users: number[] = [];
  const items: number[] = [];
  const timestamps: number[] = [];
  const userIds = new Map<string, number>();
  const itemIds = new Map<string, number>();
  for await (const { user, item, timestamp } of rows) {
    users.push(denseId(userIds, user));
    items.push(denseId(itemIds, item));
    timestamps.push(timestamp);
  }
  if (users.length === 0) {
    throw new Error('data: interactions must hold at least one row, got none; check the input file and its columns');
  }
  return {
    users: Int32Array.from(users),
    items: Int32Array.from(items),
    timestamps: Float64Array.from(timestamps),
    userIds: [...userIds.keys()],
    itemIds: [...itemIds.keys()],
  };
}

/**
 * Leaves one row for each pair of user and item: the earliest, and of equally early ones the first in the file.
 * Amazon's 2018 files hold one row for every variant that a user reviewed, so a pair can occur many times.
 */
export function keepFirstOfDuplicates(interactions: Interactions): Interactions {
  const { users, items, timestamps, itemIds } = interactions;
  const first = new Map<number, number>();
  const keep = new Uint8Array(users.length);
  for (let row = 0; row < users.length; row++) {
    const pair = users[row] * itemIds.length + items[row];
    const earlier = first.get(pair);
    if (earlier !== undefined && timestamps[earlier] <= timestamps[row]) continue;
    if (earlier !== undefined) keep[earlier] = 0;
    first.set(pair, row);
    keep[row] = 1;
  }
  return selectRows(interactions, keep);
}

/**
 * The k-core: removes users and items with fewer than k rows, again and again until every one that is left has k.
 * The result is the largest such subset, whatever the order of removal. Duplicate pairs count as often as they occur.
 *
 * @param k  rows that each user and item must have; 0 and 1 remove nothing
 * @throws RangeError when k is not an integer from 0
 * @throws Error when nothing is left
 */
export function kCore(interactions: Interactions, k: number): Interactions {
  if (!Number.isInteger(k) || k < 0) {
    throw new RangeError(`data: k of the k-core must be an integer from 0, got ${k}; 5 is usual`);
  }
  const { users, items, userIds, itemIds } = interactions;
  const keep = new Uint8Array(users.length).fill(1);
  const userRows = new Int32Array(userIds.length);
  const itemRows = new Int32Array(itemIds.length);
  for (let row = 0; row < users.length; row++) {
    userRows[users[row]]++;
    itemRows[items[row]]++;
  }
  let left = users.length;
  let before: number;
  do {
    before = left;
    for (let row = 0; row < users.length; row++) {
      if (!keep[row] || (userRows[users[row]] >= k && itemRows[items[row]] >= k)) continue;
      keep[row] = 0;
      userRows[users[row]]--;
      itemRows[items[row]]--;
      left--;
    }
  } while (left < before);
  if (left === 0) {
    throw new Error(
      `data: the ${k}-core must hold at least one interaction, got none of ${users.length} (${userIds.length} users, ` +
        `${itemIds.length} items); lower k or bring more data`,
    );
  }
  return left === users.length ? interactions : selectRows(interactions, keep);
}

/** How to order a user's rows of equal time: as in the file, or by a seeded shuffle. */
export type TieOrder = 'file' | 'shuffled';

/**
 * Sorts every user's rows by time.
 *
 * Dates in days leave many ties (43 % of Amazon Beauty's users have one between validation and test item), and a file
 * sorted by item then lends its order to the split. So the order of ties is a stated switch, and 'shuffled' needs a key.
 */
export function orderByTime(
  interactions: Interactions,
  options: { ties: 'file' } | { ties: 'shuffled'; key: Key } = { ties: 'file' },
): Sequences {
  const { users, items, timestamps, userIds } = interactions;
  const tieRank = options.ties === 'shuffled' ? permutation(options.key, users.length) : undefined;
  const offsets = new Int32Array(userIds.length + 1);
  for (const user of users) offsets[user + 1]++;
  for (let user = 0; user < userIds.length; user++) offsets[user + 1] += offsets[user];
  const next = offsets.slice(0, -1);
  const rows = new Int32Array(users.length);
  for (let row = 0; row < users.length; row++) rows[next[users[row]]++] = row;
  const earlierFirst = (a: number, b: number) =>
    timestamps[a] - timestamps[b] || (tieRank === undefined ? a - b : tieRank[a] - tieRank[b]);
  for (let user = 0; user < userIds.length; user++) {
    rows.subarray(offsets[user], offsets[user + 1]).sort(earlierFirst);
  }
  return { offsets, items: rows.map((row) => items[row]) };
}

/** One user's items, oldest first: a view, not a copy. */
export function sequenceOf(sequences: Sequences, user: number): Int32Array {
  return sequences.items.subarray(sequences.offsets[user], sequences.offsets[user + 1]);
}

/** Lists of items, one after another. */
export function packSequences(lists: readonly Int32Array[]): Sequences {
  const offsets = new Int32Array(lists.length + 1);
  for (const [b, { length }] of lists.entries()) offsets[b + 1] = offsets[b] + length;
  const items = new Int32Array(offsets[lists.length]);
  for (const [b, list] of lists.entries()) items.set(list, offsets[b]);
  return { items, offsets };
}

/** The rows whose flag is set, with new dense ids by first appearance among them. */
function selectRows(interactions: Interactions, keep: Uint8Array): Interactions {
  const { users, items, timestamps } = interactions;
  const kept = (_: number, row: number) => keep[row] === 1;
  const [denseUsers, userIds] = renumber(users.filter(kept), interactions.userIds);
  const [denseItems, itemIds] = renumber(items.filter(kept), interactions.itemIds);
  return { users: denseUsers, items: denseItems, timestamps: timestamps.filter(kept), userIds, itemIds };
}

function renumber(values: Int32Array, ids: readonly string[]): [Int32Array, string[]] {
  const dense = new Int32Array(ids.length).fill(-1);
  const keptIds: string[] = [];
  const renumbered = values.map((value) => {
    if (dense[value] < 0) dense[value] = keptIds.push(ids[value]) - 1;
    return dense[value];
  });
  return [renumbered, keptIds];
}

function denseId(ids: Map<string, number>, id: string): number {
  const known = ids.get(id);
  if (known !== undefined) return known;
  ids.set(id, ids.size);
  return ids.size - 1;
}
