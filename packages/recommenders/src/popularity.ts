import type { Sequences } from '@codebeam/data';

/**
 * Interactions of each item.
 *
 * @returns [N] counts
 * @throws RangeError when a sequence holds an item outside [0, numItems)
 */
export function countItems({ items }: Sequences, numItems: number): Int32Array {
  const counts = new Int32Array(numItems);
  for (const item of items) {
    if (item < 0 || item >= numItems) {
      throw new RangeError(
        `recommenders: items of the sequences must be in [0, ${numItems}), got ${item}; pass the size of their catalogue`,
      );
    }
    counts[item]++;
  }
  return counts;
}

/**
 * The score of every item that a model cannot score: below zero, rising with popularity. Models whose own scores are
 * above zero start from this row and so fill their lists by popularity (ties: lower id), never-seen items last.
 *
 * @returns [N] scores in [-1, 0)
 */
export function popularityFill(counts: Int32Array): Float64Array {
  const largest = counts.reduce((max, count) => Math.max(max, count), 0);
  return Float64Array.from(counts, (count) => count / (largest + 1) - 1);
}
