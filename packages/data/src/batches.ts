import { foldIn, type Key, permutation } from '@codebeam/random';
import { type Sequences, sequenceOf } from './interactions.js';
import type { TrainingPairs } from './sliding-window.js';

/** What to train on in one step. */
export interface Batch {
  /** B histories, oldest first. Views, not copies. */
  histories: Int32Array[];
  /** What follows: an item for each history, or, of whole sequences, one for each item of each history. */
  targets: Int32Array;
  /** Where the targets stand among the sequences' items. */
  places: Int32Array;
  /** [B] */
  users: Int32Array;
}

/** One epoch. It can be walked any number of times, and always gives the same batches. */
export interface Batches extends Iterable<Batch> {
  /** How many batches there are. */
  readonly size: number;
  /** Share of places that would be padding if each batch were padded to its own longest history, in [0, 1). */
  readonly paddingShare: number;
}

/**
 * One epoch of batches by history length: the pairs are shuffled, sorted by length (the shuffle decides among equals),
 * cut into batches, and the batches shuffled. Each pair occurs once. A batch holds more than one length only where two
 * lengths meet, so next to nothing is padding; padded to 20 items, Amazon Beauty would be two thirds padding.
 *
 * @param batchSize  pairs in a batch, from 1; one batch holds what is left over
 * @param key        the epoch's key: `foldIn(createKey(seed, 'shuffle'), epoch)`
 * @throws RangeError when batchSize is not such an integer, or there are no pairs
 */
export function bucketByLength(pairs: TrainingPairs, options: { batchSize: number; key: Key }): Batches {
  const { batchSize, key } = options;
  const { starts, ends } = pairs;
  const numPairs = starts.length;
  checkBatchSize(batchSize);
  if (numPairs === 0) {
    throw new RangeError(
      'data: pairs must hold at least one pair, got none; users need two items in the training part',
    );
  }
  const order = permutation(foldIn(key, 0), numPairs);
  order.sort((a, b) => ends[a] - starts[a] - (ends[b] - starts[b])); // typed arrays sort stably
  const size = Math.ceil(numPairs / batchSize);
  const batchOrder = permutation(foldIn(key, 1), size);

  let places = 0;
  let filled = 0;
  for (let from = 0; from < numPairs; from += batchSize) {
    const to = Math.min(from + batchSize, numPairs);
    places += (to - from) * (ends[order[to - 1]] - starts[order[to - 1]]);
    for (let i = from; i < to; i++) filled += ends[order[i]] - starts[order[i]];
  }

  function* batches(): Generator<Batch> {
    for (const batch of batchOrder) yield takePairs(pairs, order.subarray(batch * batchSize, (batch + 1) * batchSize));
  }
  return { size, paddingShare: 1 - filled / places, [Symbol.iterator]: batches };
}

/**
 * One epoch of batches of whole sequences, for models that read each item knowing those before it only: one pass gives a target after
 * every item that is read. Of a user's items the last is a target only, and the first is read only; those before the latest
 * maxHistory + 1 are neither.
 *
 * @param maxHistory  items of a user that are read, the latest ones
 * @param batchSize   users in a batch; the last one holds what is left over
 * @param key         the epoch's key: `foldIn(createKey(seed, 'shuffle'), epoch)`
 * @throws RangeError when batchSize is no integer from 1, or no user has two items
 */
export function sequenceBatches(
  sequences: Sequences,
  { maxHistory, batchSize, key }: { maxHistory: number; batchSize: number; key: Key },
): Iterable<Batch> & { readonly size: number } {
  checkBatchSize(batchSize);
  const { offsets, items } = sequences;
  const numUsers = offsets.length - 1;
  const users = Int32Array.from({ length: numUsers }, (_, user) => user).filter(
    (user) => sequenceOf(sequences, user).length >= 2,
  );
  if (users.length === 0) {
    throw new RangeError(
      'data: sequences must hold a user with two items at least, got none; users need two items in the training part',
    );
  }
  function* batches(): Generator<Batch> {
    for (const chosen of shuffledBatches(key, users.length, batchSize)) {
      const batch = chosen.map((place) => users[place]);
      const histories = Array.from(batch, (user) => sequenceOf(sequences, user).subarray(-maxHistory - 1, -1));
      const places = Int32Array.from(
        histories.flatMap(({ length }, i) =>
          Array.from({ length }, (_, place) => offsets[batch[i] + 1] - length + place),
        ),
      );
      yield { histories, targets: places.map((place) => items[place]), places, users: batch };
    }
  }
  return { size: Math.ceil(users.length / batchSize), [Symbol.iterator]: batches };
}

/** One epoch of the numbers below n in an order that is a function of the key; the last batch holds what is left. */
export function* shuffledBatches(key: Key, n: number, batchSize: number): Generator<Int32Array> {
  checkBatchSize(batchSize);
  const order = permutation(key, n);
  for (let start = 0; start < n; start += batchSize) yield order.subarray(start, start + batchSize);
}

function checkBatchSize(batchSize: number): void {
  if (Number.isInteger(batchSize) && batchSize >= 1) return;
  throw new RangeError(`data: batchSize must be an integer from 1, got ${batchSize}; choose a positive batch size`);
}

function takePairs(pairs: TrainingPairs, chosen: Int32Array): Batch {
  const { items, starts, ends, users } = pairs;
  return {
    histories: Array.from(chosen, (pair) => items.subarray(starts[pair], ends[pair])),
    targets: chosen.map((pair) => items[ends[pair]]),
    places: chosen.map((pair) => ends[pair]),
    users: chosen.map((pair) => users[pair]),
  };
}
