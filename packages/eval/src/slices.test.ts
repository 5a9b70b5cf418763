import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixtures/evaluation-of.js';
import { evaluateSlices, sliceByHistoryLength, sliceByTargetFrequency } from './index.js';

describe('sliceByTargetFrequency', () => {
  // Ten items occur, item 0 most and item 9 least; 10 and 11 never do.
  const trainCounts = Int32Array.of(90, 80, 70, 60, 50, 40, 30, 20, 10, 5, 0, 0);

  it('cuts the items that occur at 20 % and 50 %, and sets apart those that never do', () => {
    const slices = sliceByTargetFrequency({ targets: Int32Array.of(0, 1, 2, 4, 5, 9, 10, 11, 0) }, trainCounts);
    expect(slices.map(({ name, places }) => [name, [...places]])).toEqual([
      ['head', [0, 1, 8]],
      ['middle', [2, 3]],
      ['tail', [4, 5]],
      ['cold', [6, 7]],
    ]);
  });

  it('gives the head to the lower id among equally frequent items', () => {
    const slices = sliceByTargetFrequency({ targets: Int32Array.of(0, 1, 2, 3, 4) }, new Int32Array(5).fill(3));
    expect(slices.map(({ places }) => [...places])).toEqual([[0], [1, 2], [3, 4], []]);
  });
});

describe('sliceByHistoryLength', () => {
  it('puts every user into one slice', () => {
    const slices = sliceByHistoryLength({ historyLengths: Int32Array.of(0, 4, 5, 9, 10, 19, 20, 300) });
    expect(slices.map(({ name, places }) => [name, [...places]])).toEqual([
      ['up to 4', [0, 1]],
      ['5-9', [2, 3]],
      ['10-19', [4, 5]],
      ['20 and more', [6, 7]],
    ]);
  });
});

describe('evaluateSlices', () => {
  it('averages over the users of each slice, and has no numbers for an empty one', () => {
    const evaluation = evaluationOf([1, 0, 3, 0]);
    const slice = (name: string, ...places: number[]) => ({ name, definition: '', places: Int32Array.from(places) });
    const [left, empty] = evaluateSlices(evaluation, [slice('left', 0, 1), slice('none')], ['recall@10', 'ndcg@10'], {
      seed: 1,
    });
    expect(left.users).toBe(2);
    expect(left.metrics['recall@10']).toEqual({ mean: 0.5, low: 0, high: 1 });
    expect(left.metrics['ndcg@10']?.mean).toBe(0.5);
    expect(empty).toEqual({ name: 'none', definition: '', users: 0, metrics: {} });
  });
});
