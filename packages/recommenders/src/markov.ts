import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { countItems, popularityFill } from './popularity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';
import { countSuccessors } from './successors.js';

/**
 * First-order Markov chain: score(j) = how often j came right after the last item of the history. (Counts rank as
 * transition probabilities do: within a list these share one denominator.)
 *
 * Most counts are 1, so ties decide much: recall@10 on Amazon Beauty is .061 or .065 as ids go by ASIN or by first
 * appearance. Hence the transition seen first wins, by a fraction below 1 in its score, and the list does not depend
 * on how items are numbered. Items that never followed, and every item when the history is empty, come after that by
 * popularity with scores below zero.
 */
export const markov = defineRecommender({
  name: 'markov',
  options: z.strictObject({}),
  fit({ sequences, numItems }) {
    const successors = countSuccessors(sequences, numItems, { window: 1, symmetric: false });
    return { counts: vector(countItems(sequences, numItems)), ...sparseWeights('successors', successors) };
  },
  scorer(weights, _options, { numItems }) {
    const fill = popularityFill(weights.counts.values);
    const { offsets, indices, values } = sparseMatrixOf(weights, 'successors');
    return scoreEach(numItems, (scores, history) => {
      scores.set(fill);
      const last = history.at(-1);
      if (last === undefined) return;
      const begin = offsets[last];
      const end = offsets[last + 1];
      for (let entry = begin; entry < end; entry++) {
        scores[indices[entry]] = values[entry] - (entry - begin) / (end - begin);
      }
    });
  },
});
