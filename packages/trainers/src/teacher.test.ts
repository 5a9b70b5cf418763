import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { drawTargets, type Teacher } from './teacher.js';

// Places 0 and 2 have no history before them.
const teacher: Teacher = {
  size: 3,
  items: Int32Array.of(0, 0, 0, 7, 8, 9, 0, 0, 0, 4, 5, -1),
  cumulative: Float32Array.of(0, 0, 0, 0.5, 0.75, 1, 0, 0, 0, 0.25, 1, 1),
};

const batch = (places: number[]) => ({
  histories: [],
  users: new Int32Array(0),
  places: Int32Array.from(places),
  targets: Int32Array.from(places, () => 1),
});

describe('drawTargets', () => {
  const shares = (targets: Int32Array) => {
    const counts: Record<number, number> = {};
    for (const target of targets) counts[target] = (counts[target] ?? 0) + 1 / targets.length;
    return counts;
  };

  it('draws a share of the targets, each as probable as the teacher thinks it', () => {
    const drawn = shares(drawTargets(batch(Array(20_000).fill(1)), teacher, 0.8, createKey(1, 'sample')));
    for (const [item, share] of [
      [1, 0.2],
      [7, 0.4],
      [8, 0.2],
      [9, 0.2],
    ]) {
      expect(Math.abs(drawn[item] - share)).toBeLessThan(0.015);
    }
    const ended = shares(drawTargets(batch(Array(20_000).fill(3)), teacher, 1, createKey(2, 'sample')));
    expect(Object.keys(ended)).toEqual(['4', '5']);
    expect(Math.abs(ended[4] - 0.25)).toBeLessThan(0.015);
  });

  it('keeps what followed without a share, and where the teacher has nothing to say', () => {
    const places = [1, 3, 1, 3];
    expect(Array.from(drawTargets(batch(places), teacher, 0, createKey(1, 'sample')))).toEqual([1, 1, 1, 1]);
    expect(Array.from(drawTargets(batch([0, 2]), teacher, 1, createKey(1, 'sample')))).toEqual([1, 1]);
  });

  it('is a function of the key', () => {
    const draw = (seed: number) =>
      Array.from(drawTargets(batch(Array(50).fill(1)), teacher, 0.5, createKey(seed, 'sample')));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });
});
