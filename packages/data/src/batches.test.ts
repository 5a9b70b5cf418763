import { createKey, foldIn } from '@codebeam/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, bucketByLength, sequenceBatches, shuffledBatches } from './batches.js';
import { packSequences } from './interactions.js';
import { slidingWindowPairs } from './sliding-window.js';

const key = createKey(1, 'shuffle');

/** Sequences of the given lengths whose items are all different, so that a target names its pair. */
function pairsOfLengths(lengths: readonly number[], maxHistory: number) {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  const items = Int32Array.from({ length: offsets.at(-1)! }, (_, item) => item);
  return slidingWindowPairs({ offsets: Int32Array.from(offsets), items }, { maxHistory });
}

const readable = (batches: Iterable<Batch>) =>
  Array.from(batches, ({ histories, targets, users }) =>
    histories.map((history, row) => `${users[row]}: ${history.join()} -> ${targets[row]}`),
  );

describe('bucketByLength', () => {
  it('holds each pair exactly once, in full batches but for one', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 40 }), fc.nat(), (rest, batchSize, seed) => {
        const pairs = pairsOfLengths([2, ...rest], 20);
        const batches = bucketByLength(pairs, { batchSize, key: createKey(seed, 'shuffle') });
        const rows = readable(batches);
        const expected = Array.from(
          pairs.ends,
          (end, p) => `${pairs.users[p]}: ${pairs.items.subarray(pairs.starts[p], end).join()} -> ${pairs.items[end]}`,
        );
        expect(rows.flat().sort()).toEqual(expected.sort());
        expect(rows.length).toBe(batches.size);
        expect(rows.filter((batch) => batch.length !== batchSize).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  const pairs = pairsOfLengths(
    Array.from({ length: 400 }, (_, user) => 2 + (user % 30)),
    20,
  );

  it('is the same for the same key however often it is walked, and another for another', () => {
    const batches = bucketByLength(pairs, { batchSize: 32, key });
    expect(readable(batches)).toEqual(readable(batches));
    expect(readable(bucketByLength(pairs, { batchSize: 32, key }))).toEqual(readable(batches));
    expect(readable(bucketByLength(pairs, { batchSize: 32, key: foldIn(key, 1) }))).not.toEqual(readable(batches));
  });

  it('reports the share of padding, which is next to none', () => {
    const batches = bucketByLength(pairs, { batchSize: 32, key });
    let filled = 0;
    let places = 0;
    for (const { histories } of batches) {
      const lengths = histories.map((history) => history.length);
      for (const length of lengths) filled += length;
      places += Math.max(...lengths) * lengths.length;
    }
    expect(batches.paddingShare).toBeCloseTo(1 - filled / places, 12);
    expect(batches.paddingShare).toBeGreaterThan(0);
    expect(batches.paddingShare).toBeLessThan(0.01);
  });

  it('mixes lengths over the epoch', () => {
    const lengths = Array.from(bucketByLength(pairs, { batchSize: 32, key }), (batch) => batch.histories[0].length);
    const ascending = lengths.filter((length, i) => i > 0 && length >= lengths[i - 1]).length / (lengths.length - 1);
    expect(ascending).toBeGreaterThan(0.3);
    expect(ascending).toBeLessThan(0.7);
  });

  it('refuses empty batches and empty epochs', () => {
    expect(() => bucketByLength(pairs, { batchSize: 0, key })).toThrow(
      'data: batchSize must be an integer from 1, got 0',
    );
    expect(() => bucketByLength(pairsOfLengths([1], 20), { batchSize: 1, key })).toThrow(
      'data: pairs must hold at least',
    );
  });
});

describe('sequenceBatches', () => {
  const sequences = packSequences(
    [[1, 2, 3, 4], [5], [], [6, 7], [8, 9, 8, 8, 9]].map((items) => Int32Array.from(items)),
  );
  const options = { maxHistory: 3, batchSize: 2, key };

  it('holds each user with two items once, with a target after every item that is read', () => {
    const batches = sequenceBatches(sequences, options);
    const rows = Array.from(batches);
    expect(rows.map(({ users }) => users.length)).toEqual([2, 1]);
    expect(batches.size).toBe(2);
    const byUser = new Map<number, [number[], number[]]>();
    for (const { histories, targets, places, users } of rows) {
      let at = 0;
      for (const [i, user] of users.entries()) {
        const own = targets.subarray(at, at + histories[i].length);
        expect(Array.from(places.subarray(at, at + own.length), (place) => sequences.items[place])).toEqual([...own]);
        byUser.set(user, [[...histories[i]], [...own]]);
        at += own.length;
      }
    }
    expect(Object.fromEntries(byUser)).toEqual({
      0: [
        [1, 2, 3],
        [2, 3, 4],
      ],
      3: [[6], [7]],
      4: [
        [9, 8, 8],
        [8, 8, 9],
      ],
    });
  });

  it('refuses empty batches, which would never end', () => {
    const message = 'data: batchSize must be an integer from 1, got 0';
    expect(() => sequenceBatches(sequences, { ...options, batchSize: 0 })).toThrow(message);
    expect(() => shuffledBatches(key, 3, 0).next()).toThrow(message);
  });

  it('refuses sequences without two items in any', () => {
    const single = packSequences([Int32Array.of(1), Int32Array.of(2)]);
    expect(() => sequenceBatches(single, options)).toThrow(
      'data: sequences must hold a user with two items at least, got none; users need two items in the training part',
    );
  });

  it('is the same for the same key however often it is walked', () => {
    const batches = sequenceBatches(sequences, options);
    expect(Array.from(batches)).toEqual(Array.from(batches));
  });
});
