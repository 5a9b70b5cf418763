import { packSequences } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import { sessionParallelBatches } from './session-parallel-batches.js';

/** `input>target` by slot, and which slot of the batch before goes on. */
function listed(sessions: number[][], options: Parameters<typeof sessionParallelBatches>[1]) {
  const sequences = packSequences(sessions.map((session) => Int32Array.from(session)));
  return [...sessionParallelBatches(sequences, options)].map(({ inputs, targets, from }) => ({
    events: Array.from(inputs, (item, slot) => `${item}>${targets[slot]}`).join(','),
    from: [...from],
  }));
}
const sessions = [
  [1, 2, 3],
  [4, 5],
  [6, 7, 8, 9],
];

describe('sessionParallelBatches', () => {
  it('gives the slot of a session that ends to the next one, and shrinks when none are left', () => {
    expect(listed(sessions, { batchSize: 2 })).toEqual([
      { events: '1>2,4>5', from: [-1, -1] },
      { events: '2>3,6>7', from: [0, -1] },
      { events: '7>8', from: [1] },
      { events: '8>9', from: [0] },
    ]);
  });

  it('ends early where slots need each other', () => {
    const events = listed(sessions, { batchSize: 2, minSlots: 2 }).map((batch) => batch.events);
    expect(events).toEqual(['1>2,4>5', '2>3,6>7']);
  });

  it('works with fewer sessions than slots', () => {
    const events = listed(sessions.slice(0, 2), { batchSize: 4 }).map((batch) => batch.events);
    expect(events).toEqual(['1>2,4>5', '2>3']);
  });

  it('passes over sessions of one event, and gives nothing for none', () => {
    expect(listed([[1], [2, 3], [], [4]], { batchSize: 2 })).toEqual([{ events: '2>3', from: [-1] }]);
    expect(listed([[1]], { batchSize: 2 })).toEqual([]);
  });
});
