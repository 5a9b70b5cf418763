import { type Key, permutation } from '@codebeam/random';

/** One row as a reader yields it. */
export interface RawInteraction {
  user: string;
  item: string;
  /** Unix seconds. */
  timestamp: number;
  rating?: number;
}

/** The parts of a split. */
export const partNames = ['train', 'validation', 'test'] as const;

/** Who met what and when: one entry per row, in the order of the file, with dense ids from 0. */
export interface Interactions {
  users: Int32Array;
  items: Int32Array;
  /** Unix seconds. */
  timestamps: Float64Array;
  /** There when every row has one. */
  ratings?: Float32Array;
  /** Index into `partNames` of the part that each row belongs to, of data that come split. */
  parts?: Uint8Array;
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
  const ratings: number[] = [];
  const userIds = new Map<string, number>();
  const itemIds = new Map<string, number>();
  for await (const { user, item, timestamp, rating } of rows) {
    users.push(denseId(userIds, user));
    items.push(denseId(itemIds, item));
    timestamps.push(timestamp);
    if (rating !== undefined) ratings.push(rating);
  }
  if (users.length === 0) {
    throw new Error('data: interactions must hold at least one row, got none; check the input file and its columns');
  }
  return {
    users: Int32Array.from(users),
    items: Int32Array.from(items),
    timestamps: Float64Array.from(timestamps),
    ...(ratings.length === users.length && { ratings: Float32Array.from(ratings) }),
    userIds: [...userIds.keys()],
    itemIds: [...itemIds.keys()],
  };
}

/**
 * Leaves one row for each pair of user and item: the earliest, and of equally early ones the first in the file.
 * Amazon's 2018 files hold one row for every variant that a user reviewed, so a pair can occur many times.
 */
export function keepFirstOfDuplicates(interactions: Interactions): Interactions {
  return keepOneOfDuplicates(interactions, -1);
}

/** Leaves one row for each pair of user and item: the latest, and of equally late ones the last in the file. */
export function keepLastOfDuplicates(interactions: Interactions): Interactions {
  return keepOneOfDuplicates(interactions, 1);
}

/** @param side  the neighbour, in order of time, that a row must not have: -1 an earlier one, 1 a later one */
function keepOneOfDuplicates(interactions: Interactions, side: -1 | 1): Interactions {
  const { items } = interactions;
  const { offsets, rows } = rowsByPair(interactions);
  const keep = new Uint8Array(rows.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    for (const [i, row] of own.entries()) keep[row] = items[own[i + side]] === items[row] ? 0 : 1;
  }
  return keepRows(interactions, keep);
}

/** Rows that a user and an item must have at least. */
export interface CoreBounds {
  users: number;
  items: number;
}

/**
 * The k-core: removes users and items with fewer than k rows, again and again until every one that is left has k.
 * The result is the largest such subset, whatever the order of removal. Duplicate pairs count as often as they occur.
 *
 * @param k  rows that each user and item must have, or one number for each; 0 and 1 remove nothing
 * @throws RangeError when k is not an integer from 0
 * @throws Error when nothing is left
 */
export function kCore(interactions: Interactions, k: number | CoreBounds): Interactions {
  const least = typeof k === 'number' ? { users: k, items: k } : k;
  for (const bound of [least.users, least.items]) {
    if (Number.isInteger(bound) && bound >= 0) continue;
    throw new RangeError(`data: k of the k-core must be an integer from 0, got ${bound}; 5 is usual`);
  }
  const { users, items, userIds, itemIds } = interactions;
  const keep = new Uint8Array(users.length).fill(1);
  const userRows = countOf(users, userIds.length);
  const itemRows = countOf(items, itemIds.length);
  let left = users.length;
  let before: number;
  do {
    before = left;
    for (let row = 0; row < users.length; row++) {
      if (!keep[row] || (userRows[users[row]] >= least.users && itemRows[items[row]] >= least.items)) continue;
      keep[row] = 0;
      userRows[users[row]]--;
      itemRows[items[row]]--;
      left--;
    }
  } while (left < before);
  if (left === 0) {
    const name = typeof k === 'number' ? `${k}-core` : `core of ${k.users} rows a user and ${k.items} an item`;
    throw new Error(
      `data: the ${name} must hold at least one interaction, got none of ${users.length} (${userIds.length} users, ` +
        `${itemIds.length} items); lower k or bring more data`,
    );
  }
  return left === users.length ? interactions : keepRows(interactions, keep);
}

/** [size] how often each of 0 .. size - 1 occurs. */
export function countOf(values: Int32Array, size: number): Int32Array {
  const counts = new Int32Array(size);
  for (const value of values) counts[value]++;
  return counts;
}

/** How to order a user's rows of equal time: as in the file, or by a seeded shuffle. */
export type TieOrder = 'file' | 'shuffled';

/**
 * Sorts every user's rows by time, with their ratings where there are any.
 *
 * Dates in days leave many ties (43 % of Amazon Beauty's users have one between validation and test item), and a file
 * sorted by item then lends its order to the split. So the order of ties is a stated switch, and 'shuffled' needs a key.
 */
export function orderByTime(
  interactions: Interactions,
  options: { ties: 'file' } | { ties: 'shuffled'; key: Key } = { ties: 'file' },
): Sequences & { ratings?: Float32Array } {
  const { users, items, timestamps, ratings } = interactions;
  const tieRank = options.ties === 'shuffled' ? permutation(options.key, users.length) : undefined;
  const { offsets, rows } = rowsByUser(interactions);
  const earlierFirst = (a: number, b: number) =>
    timestamps[a] - timestamps[b] || (tieRank === undefined ? a - b : tieRank[a] - tieRank[b]);
  for (let user = 0; user + 1 < offsets.length; user++) {
    rows.subarray(offsets[user], offsets[user + 1]).sort(earlierFirst);
  }
  return {
    offsets,
    items: rows.map((row) => items[row]),
    ...(ratings && { ratings: Float32Array.from(rows, (row) => ratings[row]) }),
  };
}

/** Every user's rows, one user after another: user u owns `rows[offsets[u] .. offsets[u + 1])`. */
export interface UserRows {
  /** [users + 1] */
  offsets: Int32Array;
  rows: Int32Array;
}

/**
 * Every user's rows.
 *
 * @param order  all rows, in the order in which a user's shall stand; by default that of the file
 */
export function rowsByUser({ users, userIds }: Interactions, order?: Int32Array): UserRows {
  const offsets = new Int32Array(userIds.length + 1);
  for (const user of users) offsets[user + 1]++;
  for (let user = 0; user < userIds.length; user++) offsets[user + 1] += offsets[user];
  const next = offsets.slice(0, -1);
  const rows = new Int32Array(users.length);
  for (let place = 0; place < users.length; place++) {
    const row = order === undefined ? place : order[place];
    rows[next[users[row]]++] = row;
  }
  return { offsets, rows };
}

/** Every user's rows, those of one item next to each other: by item, by time, and of equal time as in the file. */
export function rowsByPair(interactions: Interactions): UserRows {
  const { items, timestamps } = interactions;
  const { offsets, rows } = rowsByUser(interactions);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    own.sort((a, b) => items[a] - items[b] || timestamps[a] - timestamps[b] || a - b);
  }
  return { offsets, rows };
}

/** [rows] all rows by time; of equal time as in the file. */
export function rowsInTime({ timestamps }: Pick<Interactions, 'timestamps'>): Int32Array {
  const rows = Int32Array.from(timestamps.keys());
  return rows.sort((a, b) => timestamps[a] - timestamps[b] || a - b);
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

/** Where each item of packed lists stands in its own list, from 0. */
export function placesIn({ offsets, items }: Sequences): Int32Array {
  const places = new Int32Array(items.length);
  for (let b = 1; b < offsets.length; b++) {
    for (let i = offsets[b - 1]; i < offsets[b]; i++) places[i] = i - offsets[b - 1];
  }
  return places;
}

/** [users] when the first row of each was; Infinity for those without rows. */
export function firstTimes({ users, timestamps, userIds }: Interactions): Float64Array {
  const first = new Float64Array(userIds.length).fill(Infinity);
  for (const [row, user] of users.entries()) first[user] = Math.min(first[user], timestamps[row]);
  return first;
}

/** The rows whose flag is set, with new dense ids by first appearance among them. */
export function keepRows(interactions: Interactions, keep: Uint8Array): Interactions {
  const kept = Int32Array.from(keep.keys()).filter((row) => keep[row] === 1);
  const selected = selectRows(interactions, kept);
  const [users, userIds] = renumber(selected.users, interactions.userIds);
  const [items, itemIds] = renumber(selected.items, interactions.itemIds);
  return { ...selected, users, items, userIds, itemIds };
}

/** The rows of two parts of the same whole, one after another. */
export function joinRows(first: Interactions, second: Interactions): Interactions {
  const users = new Int32Array(first.users.length + second.users.length);
  const items = users.slice();
  const timestamps = new Float64Array(users.length);
  const ratings = first.ratings && second.ratings && new Float32Array(users.length);
  for (const [part, start] of [[first, 0] as const, [second, first.users.length] as const]) {
    users.set(part.users, start);
    items.set(part.items, start);
    timestamps.set(part.timestamps, start);
    if (part.ratings) ratings?.set(part.ratings, start);
  }
  const { ratings: _, parts: __, ...ids } = first;
  return { ...ids, users, items, timestamps, ...(ratings && { ratings }) };
}

/** Some rows, in the order given, with the dense ids of the whole: those of other rows stay valid. */
export function selectRows(interactions: Interactions, rows: Int32Array): Interactions {
  const { users, items, timestamps, ratings, parts } = interactions;
  return {
    ...interactions,
    users: rows.map((row) => users[row]),
    items: rows.map((row) => items[row]),
    timestamps: Float64Array.from(rows, (row) => timestamps[row]),
    ...(ratings && { ratings: Float32Array.from(rows, (row) => ratings[row]) }),
    ...(parts && { parts: Uint8Array.from(rows, (row) => parts[row]) }),
  };
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
  // A copy: a piece of a line would keep the whole of it in memory.
  ids.set(Buffer.from(id, 'utf16le').toString('utf16le'), ids.size);
  return ids.size - 1;
}

/** Source ids in order: by size where all are whole numbers that are exact as such, else as texts by code unit. */
export function sortIds(ids: readonly string[]): string[] {
  const areNumbers = ids.every((id) => /^-?\d{1,15}$/.test(id));
  return ids.toSorted((a, b) => (areNumbers ? Number(a) - Number(b) : a < b ? -1 : 1));
}

/** The same rows with dense ids in the order of the source ids, by `sortIds`. */
export function numberById(interactions: Interactions): Interactions {
  const [users, userIds] = renumberById(interactions.users, interactions.userIds);
  const [items, itemIds] = renumberById(interactions.items, interactions.itemIds);
  return { ...interactions, users, items, userIds, itemIds };
}

function renumberById(dense: Int32Array, ids: readonly string[]): [Int32Array, string[]] {
  const sorted = sortIds(ids);
  const numbers = new Map(sorted.map((id, number) => [id, number]));
  return [dense.map((one) => numbers.get(ids[one])!), sorted];
}
