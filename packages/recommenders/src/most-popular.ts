import type { Sequences } from '@codebeam/data';
import { checkRequest, emptyRecommendations, type Recommender, writeTopK } from '@codebeam/eval';
import type { FitOptions } from './fit-options.js';
import { countItems } from './popularity.js';

/**
 * Recommends the items with most interactions to everybody.
 *
 * Items that never occur rank last, by id. An item's score is its count.
 *
 * @param numItems  N, the size of the catalogue
 * @throws RangeError when a sequence holds an item outside [0, numItems)
 */
export function fitMostPopular(sequences: Sequences, numItems: number, options: FitOptions): Recommender {
  const { name = 'most-popular', fittedOn } = options;
  const counts = countItems(sequences, numItems);
  const scores = new Float64Array(numItems); // [N], one history's
  return {
    name,
    parameters: { fittedOn },
    async recommend(histories, k, { maskHistory, users }) {
      checkRequest(name, histories, k, numItems, users);
      const recommendations = emptyRecommendations(histories.length, k);
      for (const [row, history] of histories.entries()) {
        scores.set(counts);
        if (maskHistory) for (const item of history) scores[item] = -Infinity;
        writeTopK(scores, recommendations, row);
      }
      return recommendations;
    },
  };
}
