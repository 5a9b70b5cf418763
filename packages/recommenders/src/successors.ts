import type { Sequences } from '@codebeam/data';

/** A sparse [N, N] matrix by rows (CSR): row i holds what followed item i. */
export interface SuccessorTable {
  /** [N+1] row i is entries offsets[i] to offsets[i+1]. */
  offsets: Int32Array;
  /** Column of each entry; within a row, items in the order in which the sequences first show them. */
  items: Int32Array;
  weights: Float64Array;
}

/**
 * C[i][j] = sum of 1/distance over every j that comes after an i within `window` places of a user's sequence;
 * with `symmetric` also over every j that comes before. A window of 1 gives transition counts.
 *
 * Rows are gathered one at a time from the places where their item occurs, so only one dense row is ever in memory.
 */
export function countSuccessors(
  { offsets: starts, items: sequence }: Sequences,
  numItems: number,
  { window, symmetric }: { window: number; symmetric: boolean },
): SuccessorTable {
  // Where each item occurs, by item: a counting sort of the places.
  const firstPlace = new Int32Array(numItems + 1);
  for (const item of sequence) firstPlace[item + 1]++;
  for (let item = 0; item < numItems; item++) firstPlace[item + 1] += firstPlace[item];
  const places = new Int32Array(sequence.length);
  const ends = new Int32Array(sequence.length); // of the place's own sequence
  const begins = new Int32Array(sequence.length);
  const next = firstPlace.slice(0, numItems);
  let numPairs = 0; // no table has more entries than there are pairs
  for (let user = 0; user + 1 < starts.length; user++) {
    const begin = starts[user];
    const end = starts[user + 1];
    for (let place = begin; place < end; place++) {
      const slot = next[sequence[place]]++;
      places[slot] = place;
      begins[slot] = begin;
      ends[slot] = end;
      numPairs += Math.min(window, end - 1 - place);
    }
  }
  if (symmetric) numPairs *= 2;

  const offsets = new Int32Array(numItems + 1);
  const items = new Int32Array(numPairs);
  const weights = new Float64Array(numPairs);
  const row = new Float64Array(numItems);
  let size = 0;
  for (let item = 0; item < numItems; item++) {
    const rowStart = size;
    const add = (other: number, distance: number) => {
      if (row[other] === 0) items[size++] = other;
      row[other] += 1 / distance;
    };
    for (let slot = firstPlace[item]; slot < firstPlace[item + 1]; slot++) {
      const place = places[slot];
      const last = Math.min(place + window, ends[slot] - 1);
      for (let other = place + 1; other <= last; other++) add(sequence[other], other - place);
      if (!symmetric) continue;
      const first = Math.max(place - window, begins[slot]);
      for (let other = place - 1; other >= first; other--) add(sequence[other], place - other);
    }
    for (let entry = rowStart; entry < size; entry++) {
      weights[entry] = row[items[entry]];
      row[items[entry]] = 0;
    }
    offsets[item + 1] = size;
  }
  return { offsets, items: items.slice(0, size), weights: weights.slice(0, size) };
}
