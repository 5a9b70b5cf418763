import type { Sequences } from '@codebeam/data';
import { checkRequest, emptyRecommendations, type Recommender, writeTopK } from '@codebeam/eval';
import type { FitOptions } from './fit-options.js';
import { countItems, popularityFill } from './popularity.js';
import { countSuccessors } from './successors.js';

/**
 * First-order Markov chain: score(j) = how often j came right after the last item of the history. (Counts rank as
 * transition probabilities do: within a list these share one denominator.)
 *
 * Most counts are 1, so ties decide much: recall@10 on Amazon Beauty is .061 or .065 as ids go by ASIN or by first
 * appearance. Hence the transition seen first wins, by a fraction below 1 in its score, and the list does not depend
 * on how items are numbered. Items that never followed, and every item when the history is empty, come after that by
 * popularity with scores below zero.
 *
 * @param numItems  N, the size of the catalogue
 * @throws RangeError when a sequence holds an item outside [0, numItems)
 */
export function fitMarkov(sequences: Sequences, numItems: number, options: FitOptions): Recommender {
  const { name = 'markov', fittedOn } = options;
  const fill = popularityFill(countItems(sequences, numItems));
  const { offsets, items, weights } = countSuccessors(sequences, numItems, { window: 1, symmetric: false });
  const scores = new Float64Array(numItems); // [N], one history's
  return {
    name,
    parameters: { fittedOn, order: 1 },
    async recommend(histories, k, { maskHistory, users }) {
      checkRequest(name, histories, k, numItems, users);
      const recommendations = emptyRecommendations(histories.length, k);
      for (const [row, history] of histories.entries()) {
        scores.set(fill);
        const last = history.at(-1);
        if (last !== undefined) {
          const begin = offsets[last];
          const end = offsets[last + 1];
          for (let entry = begin; entry < end; entry++) {
            scores[items[entry]] = weights[entry] - (entry - begin) / (end - begin);
          }
        }
        if (maskHistory) for (const item of history) scores[item] = -Infinity;
        writeTopK(scores, recommendations, row);
      }
      return recommendations;
    },
  };
}
