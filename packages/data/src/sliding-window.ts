import { createGenerator, type Key } from '@codebeam/random';
import type { Sequences } from './interactions.js';

/** Training pairs as ranges of one item array: pair p asks for `items[ends[p]]` after `items[starts[p] .. ends[p])`. */
export interface TrainingPairs {
  /** The sequences' own items, shared. */
  items: Int32Array;
  /** [pairs] first item of the history */
  starts: Int32Array;
  /** [pairs] one past the history's last item, which is the target's place */
  ends: Int32Array;
  /** [pairs] whose history it is */
  users: Int32Array;
}

/**
 * Every prefix of every sequence with the item that follows it, the history cut to its last items.
 * Given the training part, neither validation nor test items occur.
 *
 * @param maxHistory  items that a history may hold, from 1
 * @throws RangeError when maxHistory is not such an integer
 */
export function slidingWindowPairs(train: Sequences, options: { maxHistory: number }): TrainingPairs {
  const { maxHistory } = options;
  if (!Number.isInteger(maxHistory) || maxHistory < 1) {
    throw new RangeError(`data: maxHistory must be an integer from 1, got ${maxHistory}; 20 is usual`);
  }
  const { offsets, items } = train;
  const numUsers = offsets.length - 1;
  let numPairs = 0;
  for (let user = 0; user < numUsers; user++) numPairs += Math.max(0, offsets[user + 1] - offsets[user] - 1);
  const starts = new Int32Array(numPairs);
  const ends = new Int32Array(numPairs);
  const users = new Int32Array(numPairs);
  let pair = 0;
  for (let user = 0; user < numUsers; user++) {
    for (let end = offsets[user] + 1; end < offsets[user + 1]; end++) {
      starts[pair] = Math.max(offsets[user], end - maxHistory);
      ends[pair] = end;
      users[pair] = user;
      pair++;
    }
  }
  return { items, starts, ends, users };
}

/**
 * The same pairs with part of each history: it begins at a place drawn among all of its items, so that over the epochs every
 * contiguous sub-sequence of a user's items is a history now and then. Ju et al. 2025 (GRID) train on all of them.
 *
 * @param key  the epoch's
 */
export function drawSubSequences(pairs: TrainingPairs, key: Key): TrainingPairs {
  const generator = createGenerator(key);
  const { starts, ends } = pairs;
  return { ...pairs, starts: starts.map((start, pair) => start + generator.integer(ends[pair] - start)) };
}
