import { foldIn, type Key, permutation } from '@codebeam/random';
import type { TrainingPairs } from './sliding-window.js';

/** Pairs to train on in one step. */
export interface Batch {
  /** B histories, oldest first, of nearly equal length. Views, not copies. */
  histories: Int32Array[];
  /** [B] */
  targets: Int32Array;
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
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`data: batchSize must be an integer from 1, got ${batchSize}; choose a positive batch size`);
  }
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

/** One epoch of the numbers below n in an order that is a function of the key; the last batch holds what is left. */
export function* shuffledBatches(key: Key, n: number, batchSize: number): Generator<Int32Array> {
  const order = permutation(key, n);
  for (let start = 0; start < n; start += batchSize) yield order.subarray(start, start + batchSize);
}

function takePairs(pairs: TrainingPairs, chosen: Int32Array): Batch {
  const { items, starts, ends, users } = pairs;
  return {
    histories: Array.from(chosen, (pair) => items.subarray(starts[pair], ends[pair])),
    targets: chosen.map((pair) => items[ends[pair]]),
    users: chosen.map((pair) => users[pair]),
  };
}
