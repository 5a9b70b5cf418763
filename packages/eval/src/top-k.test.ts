import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { emptyRecommendations, writeTopK } from './index.js';

function topK(scores: number[], k: number) {
  const recommendations = emptyRecommendations(1, k);
  writeTopK(Float64Array.from(scores), recommendations, 0);
  return { items: [...recommendations.items], scores: [...recommendations.scores] };
}

describe('writeTopK', () => {
  it('gives the best items, best first', () => {
    expect(topK([0.5, 2, -1, 3, 1], 3)).toEqual({ items: [3, 1, 4], scores: [3, 2, 1] });
  });

  it('breaks ties toward the lower item id, at the end of the list too', () => {
    expect(topK([1, 7, 1, 7, 1], 3).items).toEqual([1, 3, 0]);
  });

  it('leaves out -Infinity and NaN, and pads with -1', () => {
    expect(topK([-Infinity, -2, NaN, -3], 3)).toEqual({ items: [1, 3, -1], scores: [-2, -3, -Infinity] });
  });

  it('writes its own list only, over whatever it held', () => {
    const recommendations = emptyRecommendations(3, 2);
    recommendations.items.fill(9);
    writeTopK(Float64Array.of(4), recommendations, 1);
    expect([...recommendations.items]).toEqual([9, 9, 0, -1, 9, 9]);
  });

  it('compares in the precision of the scores, finer than that in which it stores them', () => {
    expect(topK([1, 1 + 1e-12], 2)).toEqual({ items: [1, 0], scores: [1, 1] });
  });

  it('agrees with a full sort on scores with many ties', () => {
    const generator = createGenerator(createKey(1, 'sample'));
    for (const k of [1, 2, 7, 50, 60]) {
      const scores = Array.from({ length: 50 }, () => generator.integer(8));
      const sorted = scores.map((_, item) => item).sort((a, b) => scores[b] - scores[a] || a - b);
      expect(topK(scores, k).items).toEqual([...sorted, ...new Array(10).fill(-1)].slice(0, k));
    }
  });
});
