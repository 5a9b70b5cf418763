import { type Sequences, sequenceOf, shuffledBatches } from '@codebeam/data';
import { createGenerator, foldIn, type Key } from '@codebeam/random';

/** What a step learns from: B users, an item that each has met, and K that each has not. */
export interface Contrasts {
  /** [B] rows of the training data */
  users: Int32Array;
  /** [B] */
  met: Int32Array;
  /** [B*K] those of the first user, then those of the second ... */
  unmet: Int32Array;
}

/**
 * One epoch: every interaction once, each with negatives drawn uniformly, with replacement, from what its user has not met. Who has met
 * everything has nothing to prefer it to, and is left out.
 *
 * @param options.negatives  K
 * @param options.key        the epoch's
 */
export function contrastBatches(
  sequences: Sequences,
  numItems: number,
  { batchSize, negatives, key }: { batchSize: number; negatives: number; key: Key },
): Iterable<Contrasts> & { readonly size: number } {
  const { offsets, items } = sequences;
  const numUsers = offsets.length - 1;
  const users = new Int32Array(items.length);
  for (let user = 0; user < numUsers; user++) users.fill(user, offsets[user], offsets[user + 1]);
  const met = metItems(sequences);
  const places = Int32Array.from(items.keys()).filter((place) => met[users[place]].size < numItems);
  function* batches(): Generator<Contrasts> {
    const { integer } = createGenerator(foldIn(key, 1));
    for (const chosen of shuffledBatches(foldIn(key, 0), places.length, batchSize)) {
      const batch = chosen.map((place) => places[place]);
      const unmet = Int32Array.from({ length: batch.length * negatives }, (_, i) =>
        drawUnmet(met[users[batch[Math.floor(i / negatives)]]], numItems, integer),
      );
      yield { users: batch.map((place) => users[place]), met: batch.map((place) => items[place]), unmet };
    }
  }
  return { size: Math.ceil(places.length / batchSize), [Symbol.iterator]: batches };
}

/** What each user has met. */
export function metItems(sequences: Sequences): readonly ReadonlySet<number>[] {
  return Array.from({ length: sequences.offsets.length - 1 }, (_, user) => new Set(sequenceOf(sequences, user)));
}

/** An item drawn uniformly among those of N that are not of the set, of which there must be one. */
export function drawUnmet(met: ReadonlySet<number>, numItems: number, integer: (below: number) => number): number {
  let item = integer(numItems);
  while (met.has(item)) item = integer(numItems);
  return item;
}
