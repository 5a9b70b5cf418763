import type { Sequences } from '@codebeam/data';

/** One step of all slots: each reads an event of its session and is to tell the next one. b slots, B at most. */
export interface SessionParallelBatch {
  /** [b] */
  inputs: Int32Array;
  /** [b] */
  targets: Int32Array;
  /** [b] the slot of the batch before whose session goes on here; -1 where a session begins. */
  from: Int32Array;
}

/**
 * One epoch of session-parallel mini-batches: B sessions are read side by side, and one that ends makes room for the next. Hidasi et al.
 * 2016, sec. 3.1.1, fig. 2. When none are left the batch shrinks; with fewer sessions than B it is small from the start. Sessions come
 * in the order of `sequences` (GRU4Rec's is that of their first events), those of one event are passed over.
 *
 * @param minSlots  the epoch ends when fewer slots are left: 2 where a slot's negatives are the other slots' targets
 */
export function* sessionParallelBatches(
  { items, offsets }: Sequences,
  { batchSize, minSlots = 1 }: { batchSize: number; minSlots?: number },
): Generator<SessionParallelBatch> {
  let next = 0;
  /** Places of the first and the last event of the next session; none when all have begun. */
  function begin(): { place: number; last: number } | undefined {
    while (next + 1 < offsets.length) {
      const session = { place: offsets[next], last: offsets[++next] - 1 };
      if (session.last > session.place) return session;
    }
    return undefined;
  }

  let slots: { place: number; last: number; from: number }[] = [];
  for (let slot = 0; slot < batchSize; slot++) {
    const session = begin();
    if (session) slots.push({ ...session, from: -1 });
  }
  while (slots.length >= minSlots && slots.length > 0) {
    yield {
      inputs: Int32Array.from(slots, ({ place }) => items[place]),
      targets: Int32Array.from(slots, ({ place }) => items[place + 1]),
      from: Int32Array.from(slots, ({ from }) => from),
    };
    slots = slots.flatMap(({ place, last }, from) => {
      if (place + 1 < last) return { place: place + 1, last, from };
      const session = begin();
      return session ? { ...session, from: -1 } : [];
    });
  }
}
