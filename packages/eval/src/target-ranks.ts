import type { Sequences } from '@codebeam/data';
import { createKey, foldIn, shuffle } from '@codebeam/random';
import type { Conventions } from './conventions.js';

/** Every user's list, best first and of any length: all items, or as many as a recommender gave. */
export interface RankedLists extends Sequences {
  /** [items] never rising along a list; without them there are no ties. */
  scores?: Float64Array | Float32Array;
}

/** What was withheld of each user. */
export interface Targets extends Sequences {
  /** [items] NaN where a row has none. */
  ratings?: Float64Array;
  /** [items] what a model predicts for the rating, NaN where it does not. */
  predictions?: Float64Array;
}

/** Lists and what to judge them by. User u owns row u of the lists, of the targets and of what was seen. */
export interface RankingInput {
  lists: RankedLists;
  targets: Targets;
  /** Training rows of all users, which popularity is counted on; an item may come more than once. */
  train: Sequences;
  /** What the mask takes from each list, where that is not row u of `train`. */
  seen?: Sequences;
  /** N: items are 0 ... N - 1, all of them candidates unless `numCandidates` says otherwise. */
  numItems: number;
  /** [users] items that each list was chosen from, where they were sampled: all test items, even masked ones, and others. */
  numCandidates?: Int32Array;
}

export interface RankedTargets {
  /** [targets] from 1, by the tie rule, so maybe between two places; Infinity where the list lacks the item. */
  ranks: Float64Array;
  /** [targets] the same with ties in the middle, which the area under the curve asks for. */
  midRanks: Float64Array;
  /** The lists as a user would see them: without masked items, ties in order, the first `width` places. */
  shown: Sequences;
  /** [users] items that a list could have held. */
  candidates: Int32Array;
  /** [targets] 1 for those that the mask keeps out of the list, which are no candidates. */
  masked: Uint8Array;
}

/**
 * Masks the lists, orders their ties, and finds every target in them.
 *
 * @param width  places of the shown lists; ranks are found beyond them too
 * @param seed  of the order of ties that are drawn
 * @throws RangeError when users differ in number, an item is outside [0, N), or a list repeats an item or is not in order
 */
export function rankTargets(
  input: RankingInput,
  { ties, mask }: Pick<Conventions, 'ties' | 'mask'>,
  width: number,
  seed = 0,
): RankedTargets {
  const { lists, targets, train, seen: masks = train, numItems, numCandidates } = input;
  const users = numUsers(input);
  const key = createKey(seed, 'shuffle');
  const ranks = new Float64Array(targets.items.length).fill(Infinity);
  const midRanks = ranks.slice();
  const candidates = new Int32Array(users);
  const masked = new Uint8Array(targets.items.length);
  const shownOffsets = new Int32Array(users + 1);
  const shownItems = new Int32Array(lists.items.length);
  // Stamps in place of sets: an entry counts only where it is the user's own, u + 1.
  const seenBy = new Int32Array(numItems);
  const listedBy = new Int32Array(numItems);
  const rankOf = new Float64Array(numItems);
  const midRankOf = new Float64Array(numItems);
  const kept = new Int32Array(numItems);
  const scores = new Float64Array(numItems);

  for (let user = 0; user < users; user++) {
    const stamp = user + 1;
    let seen = 0;
    if (mask === 'seen') {
      for (const item of itemsOf(masks, user, numItems, 'training items')) {
        if (seenBy[item] !== stamp) seen++;
        seenBy[item] = stamp;
      }
    }
    const length = keepUnseen(user);
    for (let start = 0, end: number; start < length; start = end) {
      end = start + 1;
      while (end < length && lists.scores !== undefined && scores[end] === scores[start]) end++;
      if (end - start > 1) {
        const tied = kept.subarray(start, end).sort();
        if (ties === 'random') shuffle(foldIn(foldIn(key, user), start), tied);
      }
      for (let place = start; place < end; place++) {
        rankOf[kept[place]] = sharedRank(ties, start, end) ?? place + 1;
        midRankOf[kept[place]] = (start + 1 + end) / 2;
      }
    }
    shownOffsets[user + 1] = shownOffsets[user] + Math.min(length, width);
    shownItems.set(kept.subarray(0, Math.min(length, width)), shownOffsets[user]);
    const own = itemsOf(targets, user, numItems, 'test items');
    for (const [i, item] of own.entries()) {
      const row = targets.offsets[user] + i;
      if (seenBy[item] === stamp) masked[row] = 1;
      else if (listedBy[item] === stamp) {
        ranks[row] = rankOf[item];
        midRanks[row] = midRankOf[item];
      }
    }
    // Sampled candidates hold nothing seen but test items.
    const unreachable = numCandidates && new Set(own.filter((item) => seenBy[item] === stamp)).size;
    candidates[user] = (numCandidates?.[user] ?? numItems) - (unreachable ?? seen);
  }
  const shown = { offsets: shownOffsets, items: shownItems.subarray(0, shownOffsets[users]) };
  return { ranks, midRanks, shown, candidates, masked };

  /** Fills `kept` and `scores` with the part of a user's list that the mask leaves; returns its length. */
  function keepUnseen(user: number): number {
    let length = 0;
    const own = itemsOf(lists, user, numItems, 'listed items');
    for (const [i, item] of own.entries()) {
      if (listedBy[item] === user + 1) {
        throw new RangeError(`eval: items of a list must differ, got ${item} twice for user ${user}; list each once`);
      }
      listedBy[item] = user + 1;
      if (seenBy[item] === user + 1) continue;
      if (lists.scores !== undefined) scores[length] = lists.scores[lists.offsets[user] + i];
      if (length > 0 && !(scores[length] <= scores[length - 1])) {
        throw new RangeError(
          `eval: scores of a list must not rise, got ${scores[length]} after ${scores[length - 1]} for user ${user}; sort lists best first`,
        );
      }
      kept[length++] = item;
    }
    return length;
  }
}

/** The number of users, the same in all that belongs to them. */
function numUsers({ lists, targets, train, seen = train, numCandidates }: RankingInput): number {
  const counts = [lists, targets, seen].map(({ offsets }) => offsets.length - 1);
  if (numCandidates) counts.push(numCandidates.length);
  if (new Set(counts).size > 1) {
    throw new RangeError(
      `eval: lists, targets and train must have the same users, got ${counts.join(', ')}; give an empty row to those who have none`,
    );
  }
  return counts[0];
}

function itemsOf({ offsets, items }: Sequences, user: number, numItems: number, what: string): Int32Array {
  const own = items.subarray(offsets[user], offsets[user + 1]);
  for (const item of own) {
    if (item < 0 || item >= numItems) {
      throw new RangeError(`eval: ${what} must be in [0, ${numItems}), got ${item} for user ${user}; raise numItems`);
    }
  }
  return own;
}

/** The rank of every item in the places [start, end), which share a score, or nothing where each has its own. */
function sharedRank(ties: Conventions['ties'], start: number, end: number): number | undefined {
  switch (ties) {
    case 'standard':
      return start + 1;
    case 'conservative':
      return end;
    case 'median':
      return (start + 1 + end) / 2;
    case 'random':
    case 'lowest-id':
      return undefined;
  }
}

/**
 * Lists out of rows of equal width, as recommenders return them: -1 ends a list early.
 *
 * @param items  [users*k]
 * @param scores  [users*k]
 */
export function rankedLists(items: Int32Array, k: number, scores?: Float32Array): RankedLists {
  const offsets = new Int32Array(items.length / k + 1);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const end = items.subarray(user * k, (user + 1) * k).indexOf(-1);
    offsets[user + 1] = offsets[user] + (end < 0 ? k : end);
  }
  const isThere = (_: number, place: number) => items[place] >= 0;
  return { offsets, items: items.filter(isThere), ...(scores && { scores: scores.filter(isThere) }) };
}
