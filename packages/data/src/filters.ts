import * as z from 'zod';
import {
  countOf,
  type Interactions,
  kCore,
  keepFirstOfDuplicates,
  keepLastOfDuplicates,
  keepRows,
  rowsByUser,
  rowsInTime,
} from './interactions.js';
import { mergeRepeats, splitAtGaps } from './sessions.js';

const count = z.int().min(1);
const ids = z.array(z.string()).min(1).describe('ids as in the source');
const intervals = /^\s*[[(][^,;]+,[^,;]+[\])]\s*(;\s*[[(][^,;]+,[^,;]+[\])]\s*)*$/;

/** One step of cleaning. Rows of equal time count as ordered like the file. */
export const filterSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('min-rating'), rating: z.number() }).describe('drops ratings below'),
  z.strictObject({ type: z.literal('user-average') }).describe("keeps ratings above their user's mean"),
  z.strictObject({ type: z.literal('item-average') }).describe("keeps ratings above their item's mean"),
  z.strictObject({ type: z.literal('user-min'), interactions: count }).describe('keeps users with at least so many'),
  z.strictObject({ type: z.literal('user-max'), interactions: count }).describe('keeps users with at most so many'),
  z.strictObject({ type: z.literal('item-min'), interactions: count }).describe('keeps items with at least so many'),
  z.strictObject({ type: z.literal('item-max'), interactions: count }).describe('keeps items with at most so many'),
  z
    .strictObject({
      type: z.literal('iterative-k-core'),
      k: z.union([count, z.strictObject({ users: count, items: count })]).describe('rows a user and an item must have'),
    })
    .describe('user-min and item-min in turn until nothing changes'),
  z
    .strictObject({ type: z.literal('n-rounds-k-core'), k: count, rounds: count })
    .describe('user-min and then item-min, so many times'),
  z.strictObject({ type: z.literal('user-head-n'), n: count }).describe("keeps every user's earliest n"),
  z.strictObject({ type: z.literal('user-tail-n'), n: count }).describe("keeps every user's latest n"),
  z.strictObject({ type: z.literal('drop-user'), ids }),
  z.strictObject({ type: z.literal('drop-item'), ids }),
  z
    .strictObject({ type: z.literal('duplicates'), keep: z.enum(['first', 'last']).describe('by time') })
    .describe('one row for each pair of user and item'),
  z
    .strictObject({
      type: z.literal('interval'),
      column: z.enum(['rating', 'timestamp']),
      keep: z.string().regex(intervals, 'expected intervals such as "[3,inf)" or "(-inf,0);[5,10]"'),
    })
    .describe('keeps values in any of the intervals'),
  z.strictObject({ type: z.literal('merge-repeats') }).describe('drops an item right after itself in a session'),
  z
    .strictObject({ type: z.literal('split-at-gaps'), seconds: z.number().positive() })
    .describe('makes sessions of users: a longer silence begins a new one'),
]);
export type Filter = z.output<typeof filterSchema>;

/**
 * Applies filters from first to last; each sees what those before it left. Rows keep their order, dense ids are handed
 * out anew. The vocabulary is that of WarpRec (min-rating ... drop-item), RecBole (duplicates, interval) and of
 * GRU4Rec's preprocessing, which is `merge-repeats` and then `iterative-k-core` with 2 for users (sessions) and 5 for
 * items.
 *
 * @param onUnknownIds  told of ids to drop that nobody and nothing has, neither at first nor by then
 * @throws RangeError when a filter needs ratings and rows have none, or an interval is empty
 * @throws Error naming the filter after which nothing is left
 */
export function filterInteractions(
  interactions: Interactions,
  filters: readonly Filter[],
  onUnknownIds: (filter: Filter['type'], ids: readonly string[]) => void = () => {},
): Interactions {
  let left = interactions;
  for (const [place, filter] of filters.entries()) {
    if (filter.type === 'drop-user' || filter.type === 'drop-item') {
      const known = new Set(
        [interactions, left].flatMap((one) => (filter.type === 'drop-user' ? one.userIds : one.itemIds)),
      );
      const unknown = filter.ids.filter((id) => !known.has(id));
      if (unknown.length > 0) onUnknownIds(filter.type, unknown);
    }
    const before = left.users.length;
    left = applyFilter(left, filter);
    if (left.users.length > 0) continue;
    throw new Error(
      `data: filter ${place + 1} of ${filters.length} (${filter.type}) must leave at least one interaction, got none of ${before}; make it milder`,
    );
  }
  return left;
}

function applyFilter(interactions: Interactions, filter: Filter): Interactions {
  const { timestamps, userIds, itemIds } = interactions;
  switch (filter.type) {
    case 'min-rating':
      return keepWhere(ratingsOf(interactions, filter), interactions, (rating) => rating >= Math.fround(filter.rating));
    case 'user-average':
      return keepAboveMean(interactions, 'users', ratingsOf(interactions, filter));
    case 'item-average':
      return keepAboveMean(interactions, 'items', ratingsOf(interactions, filter));
    case 'user-min':
      return keepByCount(interactions, 'users', (rows) => rows >= filter.interactions);
    case 'user-max':
      return keepByCount(interactions, 'users', (rows) => rows <= filter.interactions);
    case 'item-min':
      return keepByCount(interactions, 'items', (rows) => rows >= filter.interactions);
    case 'item-max':
      return keepByCount(interactions, 'items', (rows) => rows <= filter.interactions);
    case 'iterative-k-core':
      return kCore(interactions, filter.k);
    case 'n-rounds-k-core':
      return keepByRounds(interactions, filter);
    case 'user-head-n':
      return keepPlaces(interactions, (place) => place < filter.n);
    case 'user-tail-n':
      return keepPlaces(interactions, (place, rows) => place >= rows - filter.n);
    case 'drop-user':
      return keepWhere(interactions.users, interactions, isNotAmong(filter.ids, userIds));
    case 'drop-item':
      return keepWhere(interactions.items, interactions, isNotAmong(filter.ids, itemIds));
    case 'duplicates':
      return filter.keep === 'first' ? keepFirstOfDuplicates(interactions) : keepLastOfDuplicates(interactions);
    case 'interval':
      return filter.column === 'rating'
        ? keepWhere(ratingsOf(interactions, filter), interactions, membershipOf(filter.keep, Math.fround))
        : keepWhere(timestamps, interactions, membershipOf(filter.keep));
    case 'merge-repeats':
      return mergeRepeats(interactions);
    case 'split-at-gaps':
      return splitAtGaps(interactions, filter.seconds);
    default:
      throw new Error(`internal: filter ${filter satisfies never}`);
  }
}

function ratingsOf({ ratings }: Interactions, { type }: Filter): Float32Array {
  if (ratings) return ratings;
  throw new RangeError(
    `data: filter ${type} must have a rating in every row, got rows without; name the column of ratings or leave the filter out`,
  );
}

/** Keeps the rows whose value, of a column of them, is wanted. */
function keepWhere(
  column: Int32Array | Float32Array | Float64Array,
  interactions: Interactions,
  isWanted: (value: number) => boolean,
): Interactions {
  return keepRows(
    interactions,
    Uint8Array.from(column, (value) => (isWanted(value) ? 1 : 0)),
  );
}

function isNotAmong(dropped: readonly string[], ids: readonly string[]): (dense: number) => boolean {
  const gone = new Set(dropped);
  return (dense) => !gone.has(ids[dense]);
}

function keepByCount(
  interactions: Interactions,
  side: 'users' | 'items',
  isWanted: (rows: number) => boolean,
): Interactions {
  const counts = countOf(interactions[side], sizeOf(interactions, side));
  return keepWhere(interactions[side], interactions, (one) => isWanted(counts[one]));
}

function keepAboveMean(interactions: Interactions, side: 'users' | 'items', ratings: Float32Array): Interactions {
  const ones = interactions[side];
  const counts = countOf(ones, sizeOf(interactions, side));
  const sums = new Float64Array(counts.length);
  for (const [row, one] of ones.entries()) sums[one] += ratings[row];
  const keep = Uint8Array.from(ones, (one, row) => (ratings[row] > sums[one] / counts[one] ? 1 : 0));
  return keepRows(interactions, keep);
}

function keepByRounds(interactions: Interactions, { k, rounds }: { k: number; rounds: number }): Interactions {
  let left = interactions;
  for (let round = 0; round < rounds; round++) {
    left = keepByCount(left, 'users', (rows) => rows >= k);
    left = keepByCount(left, 'items', (rows) => rows >= k);
  }
  return left;
}

/** @param isWanted  by a row's place among its user's, oldest first, and how many these are */
function keepPlaces(interactions: Interactions, isWanted: (place: number, rows: number) => boolean): Interactions {
  const { offsets, rows } = rowsByUser(interactions, rowsInTime(interactions));
  const keep = new Uint8Array(rows.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    for (const [place, row] of own.entries()) keep[row] = isWanted(place, own.length) ? 1 : 0;
  }
  return keepRows(interactions, keep);
}

const sizeOf = ({ userIds, itemIds }: Interactions, side: 'users' | 'items') =>
  side === 'users' ? userIds.length : itemIds.length;

/**
 * Whether a number lies in any of the intervals of a text such as `(-inf,0);[5,10]`.
 *
 * @param round  as the numbers are: in float32 4.1 is no longer 4.1
 */
function membershipOf(text: string, round = (end: number) => end): (value: number) => boolean {
  const parts = text.split(';').map((part) => {
    const interval = part.trim();
    const [low, high] = interval
      .slice(1, -1)
      .split(',')
      .map((end) => round(endOf(end)));
    if (!(low <= high)) {
      throw new RangeError(
        `data: an interval must go from a number to one not below it, got ${interval}; write it like [3,inf)`,
      );
    }
    const [hasLow, hasHigh] = [interval.startsWith('['), interval.endsWith(']')];
    return (value: number) => (hasLow ? value >= low : value > low) && (hasHigh ? value <= high : value < high);
  });
  return (value) => parts.some((isIn) => isIn(value));
}

function endOf(text: string): number {
  const name = text.trim();
  const infinite = /^([+-]?)inf$/.exec(name);
  return infinite ? Number(`${infinite[1]}Infinity`) : name === '' ? Number.NaN : Number(name);
}
