import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { drawSubSequences, slidingWindowPairs, type TrainingPairs } from './sliding-window.js';

const readable = ({ items, starts, ends, users }: TrainingPairs) =>
  Array.from(ends, (end, pair) => `${users[pair]}: ${items.subarray(starts[pair], end).join()} -> ${items[end]}`);

describe('slidingWindowPairs', () => {
  // Users 0 .. 3 have 4, 0, 1 and 2 items.
  const train = { offsets: Int32Array.of(0, 4, 4, 5, 7), items: Int32Array.of(10, 11, 12, 13, 20, 30, 31) };

  it('pairs every prefix with the item after it and never crosses users', () => {
    expect(readable(slidingWindowPairs(train, { maxHistory: 20 }))).toEqual([
      '0: 10 -> 11',
      '0: 10,11 -> 12',
      '0: 10,11,12 -> 13',
      '3: 30 -> 31',
    ]);
  });

  it('cuts histories to the last items', () => {
    expect(readable(slidingWindowPairs(train, { maxHistory: 2 }))[2]).toBe('0: 11,12 -> 13');
  });

  it('refuses a history of no items', () => {
    expect(() => slidingWindowPairs(train, { maxHistory: 0 })).toThrow(
      'data: maxHistory must be an integer from 1, got 0',
    );
  });
});

describe('drawSubSequences', () => {
  it('begins histories anywhere, all places alike, and leaves targets and the pairs given as they are', () => {
    const items = Int32Array.from({ length: 6 }, (_, i) => i);
    const pairs = slidingWindowPairs({ offsets: Int32Array.of(0, 6), items }, { maxHistory: 4 });
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 3000; epoch++) {
      const drawn = drawSubSequences(pairs, createKey(epoch, 'sample'));
      expect(drawn.ends).toEqual(pairs.ends);
      const last = readable(drawn)[4];
      counts.set(last, (counts.get(last) ?? 0) + 1);
    }
    const expected = ['0: 1,2,3,4 -> 5', '0: 2,3,4 -> 5', '0: 3,4 -> 5', '0: 4 -> 5'];
    expect([...counts.keys()].sort()).toEqual(expected);
    for (const count of counts.values()) expect(Math.abs(count - 750)).toBeLessThan(100);
    expect(Array.from(pairs.starts)).toEqual([0, 0, 0, 0, 1]);
    expect(drawSubSequences(pairs, createKey(7, 'sample'))).toEqual(drawSubSequences(pairs, createKey(7, 'sample')));
  });
});
