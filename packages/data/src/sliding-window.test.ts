import { describe, expect, it } from 'vitest';
import { slidingWindowPairs, type TrainingPairs } from './sliding-window.js';

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
