import { describe, expect, it } from 'vitest';
import type { Sequences } from './interactions.js';
import { leaveOneOut } from './leave-one-out.js';

function sequencesOf(...rows: number[][]): Sequences {
  const offsets = [0];
  for (const row of rows) offsets.push(offsets.at(-1)! + row.length);
  return { offsets: Int32Array.from(offsets), items: Int32Array.from(rows.flat()) };
}

describe('leaveOneOut', () => {
  it('holds out the last item for test and the one before for validation', () => {
    const { train, validation, test, droppedUsers } = leaveOneOut(sequencesOf([4, 5, 6, 7], [1, 2, 3]));
    expect(train).toEqual(sequencesOf([4, 5], [1]));
    expect(validation).toEqual([
      { user: 0, history: Int32Array.of(4, 5), target: 6 },
      { user: 1, history: Int32Array.of(1), target: 2 },
    ]);
    expect(test.size).toBe(2);
    expect(test.open('evaluate')).toEqual([
      { user: 0, history: Int32Array.of(4, 5, 6), target: 7 },
      { user: 1, history: Int32Array.of(1, 2), target: 3 },
    ]);
    expect(droppedUsers).toBe(0);
  });

  it('drops users with fewer than three items, counts them, and keeps the others’ ids', () => {
    const { train, validation, droppedUsers } = leaveOneOut(sequencesOf([1, 2], [], [3, 4, 5], [6]));
    expect(train).toEqual(sequencesOf([], [], [3], []));
    expect(validation).toEqual([{ user: 2, history: Int32Array.of(3), target: 4 }]);
    expect(droppedUsers).toBe(3);
  });

  it('refuses data in which nobody has three items', () => {
    expect(() => leaveOneOut(sequencesOf([1, 2], [3]))).toThrow(
      'data: leave-one-out must find a user with at least 3 interactions, got none among 2',
    );
  });

  it('opens the test once, for evaluate only, and shows nothing before', () => {
    const { test } = leaveOneOut(sequencesOf([1, 2, 3]));
    expect(JSON.parse(JSON.stringify(test))).toEqual({ size: 1 });
    // @ts-expect-error The type forbids other openers too.
    expect(() => test.open('train-tiger')).toThrow(
      'data: the test split must be opened by evaluate, got "train-tiger"; choose models on validation',
    );
    test.open('evaluate');
    expect(() => test.open('evaluate')).toThrow('data: the test split must be opened once, got a second opening');
  });
});
