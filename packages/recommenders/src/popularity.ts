import { countOf, type Sequences } from '@codebeam/data';

/** [N] interactions of each item. */
export function countItems({ items }: Sequences, numItems: number): Int32Array {
  return countOf(items, numItems);
}

/**
 * The score of every item that a model cannot score: below zero, rising with popularity. Models whose own scores are
 * above zero start from this row and so fill their lists by popularity (ties: lower id), never-seen items last.
 *
 * @returns [N] scores in [-1, 0)
 */
export function popularityFill(counts: ArrayLike<number>): Float64Array {
  const fill = Float64Array.from(counts);
  const largest = fill.reduce((max, count) => Math.max(max, count), 0);
  return fill.map((count) => count / (largest + 1) - 1);
}
