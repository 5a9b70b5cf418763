import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { countItems } from './popularity.js';

/**
 * Recommends the items with most interactions to everybody.
 *
 * Items that never occur rank last, by id. An item's score is its count.
 */
export const mostPopular = defineRecommender({
  name: 'most-popular',
  options: z.strictObject({}),
  fit: ({ sequences, numItems }) => ({ counts: vector(countItems(sequences, numItems)) }),
  scorer: ({ counts }, _options, { numItems }) => scoreEach(numItems, (scores) => scores.set(counts.values)),
});
