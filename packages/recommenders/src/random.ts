import { createGenerator, createKey, foldIn } from '@codebeam/random';
import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';

/** Recommends items at random: the least that any model must beat. Seed and history decide the draw, so the same question has the same answer. */
export const random = defineRecommender({
  name: 'random',
  options: z.strictObject({}),
  fit: (_data, _options, { seed }) => ({ seed: vector(Float64Array.of(seed)) }),
  scorer: ({ seed }, _options, { numItems }) =>
    scoreEach(numItems, (scores, history) => {
      const generator = createGenerator(history.reduce(foldIn, createKey(seed.values[0], 'sample')));
      for (const item of scores.keys()) scores[item] = generator.uniform();
    }),
});
