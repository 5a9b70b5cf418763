import type { Sequences, SparseMatrix } from '@codebeam/data';

/**
 * [N, N] what followed each item, within a row in the order in which the sequences first show it: C[i][j] = sum of
 * 1/distance over every j that comes after an i within `window` places of a user's sequence; with `symmetric` also over
 * every j that comes before. A window of 1 gives transition counts.
 *
 * Rows are gathered one at a time from the places where their item occurs, so only one dense row is ever in memory.
 */
export function countSuccessors(
  { offsets: starts, items: sequence }: Sequences,
  numItems: number,
  { window, symmetric }: { window: number; symmetric: boolean },
): SparseMatrix {
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
  const indices = new Int32Array(numPairs);
  const values = new Float64Array(numPairs);
  const row = new Float64Array(numItems);
  let size = 0;
  for (let item = 0; item < numItems; item++) {
    const rowStart = size;
    const add = (other: number, distance: number) => {
      if (row[other] === 0) indices[size++] = other;
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
      values[entry] = row[indices[entry]];
      row[indices[entry]] = 0;
    }
    offsets[item + 1] = size;
  }
  return {
    rows: numItems,
    columns: numItems,
    offsets,
    indices: indices.slice(0, size),
    values: values.slice(0, size),
  };
}
