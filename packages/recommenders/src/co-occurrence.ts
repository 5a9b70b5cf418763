import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { countItems, popularityFill } from './popularity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';
import { countSuccessors } from './successors.js';

export const coOccurrenceSchema = z.strictObject({
  window: z.int().positive().default(20).describe('places after an item within which another counts as following it'),
  decay: z.number().positive().max(1).default(0.5).describe('weight of a history item against the one after it'),
  maxHistory: z.int().positive().default(20).describe('items of a history, counted from its end, to score with'),
  symmetric: z.boolean().default(false).describe('count what came before an item as well as what came after it'),
});

/**
 * Item co-occurrence weighted by distance and recency.
 *
 * C[i][j] gains 1/distance for each j after i within `window` places of a user's sequence, and
 * score(j) = sum over the last `maxHistory` history items i of decay^age(i) C[i][j], with age 0 for the last.
 * Items that score nothing, and every item when the history is empty, follow by popularity with scores below zero.
 */
export const coOccurrence = defineRecommender({
  name: 'co-occurrence',
  options: coOccurrenceSchema,
  fit({ sequences, numItems }, options) {
    const successors = countSuccessors(sequences, numItems, options);
    return { counts: vector(countItems(sequences, numItems)), ...sparseWeights('successors', successors) };
  },
  scorer(weights, { decay, maxHistory }, { numItems }) {
    const fill = popularityFill(weights.counts.values);
    const { offsets, indices, values } = sparseMatrixOf(weights, 'successors');
    return scoreEach(numItems, (scores, history) => {
      scores.set(fill);
      const oldest = Math.max(0, history.length - maxHistory);
      let recency = 1;
      for (let place = history.length - 1; place >= oldest; place--) {
        const item = history[place];
        for (let entry = offsets[item]; entry < offsets[item + 1]; entry++) {
          const other = indices[entry];
          scores[other] = Math.max(scores[other], 0) + recency * values[entry];
        }
        recency *= decay;
      }
    });
  },
});
