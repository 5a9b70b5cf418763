import { describe, expect, it } from 'vitest';
import { checkRequest, emptyRecommendations } from './index.js';

describe('checkRequest', () => {
  const history = [Int32Array.of(0, 4)];

  it('lets pass what the interface allows: empty histories and items seen twice', () => {
    checkRequest('model', [new Int32Array(0), Int32Array.of(1, 1)], 1, 5, { users: ['a', 'b'] });
  });

  it('names what is wrong with k, items and users', () => {
    expect(() => checkRequest('model', history, 0, 5)).toThrow('model: k must be a positive integer, got 0');
    expect(() => checkRequest('model', history, 1, 4)).toThrow('model: items of history 0 must be in [0, 4), got 4');
    expect(() => checkRequest('model', history, 1, 5, { users: [] })).toThrow(
      'model: users must be as many as histories (1), got 0',
    );
    expect(() => checkRequest('model', history, 1, 5, { ratings: [Float32Array.of(4)] })).toThrow(
      'model: ratings of history 0 must be one for each of its 2 items, got 1',
    );
  });
});

describe('emptyRecommendations', () => {
  it('holds -1 and -Infinity everywhere', () => {
    const { items, scores } = emptyRecommendations(1, 2);
    expect([[...items], [...scores]]).toEqual([
      [-1, -1],
      [-Infinity, -Infinity],
    ]);
  });
});
