import type { Sequences } from '@codebeam/data';
import { checkRequest, emptyRecommendations, type Recommender, writeTopK } from '@codebeam/eval';
import type { FitOptions } from './fit-options.js';
import { countItems, popularityFill } from './popularity.js';
import { countSuccessors } from './successors.js';

export interface CoOccurrenceOptions extends FitOptions {
  /** How many places after an item another still counts as following it. */
  window?: number;
  /** Weight of a history item against the one after it, in (0, 1]. */
  decay?: number;
  /** How many items of a history, counted from its end, are scored with. */
  maxHistory?: number;
  /** Count what came before an item as well as what came after it. */
  symmetric?: boolean;
}

/**
 * Item co-occurrence weighted by distance and recency.
 *
 * C[i][j] gains 1/distance for each j after i within `window` places of a user's sequence, and
 * score(j) = sum over the last `maxHistory` history items i of decay^age(i) C[i][j], with age 0 for the last.
 * Items that score nothing, and every item when the history is empty, follow by popularity with scores below zero.
 *
 * @param numItems  N, the size of the catalogue
 * @throws RangeError when an option is out of its range or a sequence holds an item outside [0, numItems)
 */
export function fitCoOccurrence(sequences: Sequences, numItems: number, options: CoOccurrenceOptions): Recommender {
  const { name = 'co-occurrence', fittedOn, window = 20, decay = 0.5, maxHistory = 20, symmetric = false } = options;
  for (const [option, value] of Object.entries({ window, maxHistory })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`co-occurrence: ${option} must be a positive integer, got ${value}; 20 is usual`);
    }
  }
  if (!(decay > 0 && decay <= 1)) {
    throw new RangeError(`co-occurrence: decay must be in (0, 1], got ${decay}; 1 weighs the whole history alike`);
  }
  const fill = popularityFill(countItems(sequences, numItems));
  const { offsets, items, weights } = countSuccessors(sequences, numItems, { window, symmetric });
  const scores = new Float64Array(numItems); // [N], one history's
  return {
    name,
    parameters: { fittedOn, window, decay, maxHistory, symmetric },
    async recommend(histories, k, { maskHistory, users }) {
      checkRequest(name, histories, k, numItems, users);
      const recommendations = emptyRecommendations(histories.length, k);
      for (const [row, history] of histories.entries()) {
        scores.set(fill);
        const oldest = Math.max(0, history.length - maxHistory);
        let recency = 1;
        for (let place = history.length - 1; place >= oldest; place--) {
          const item = history[place];
          for (let entry = offsets[item]; entry < offsets[item + 1]; entry++) {
            const other = items[entry];
            scores[other] = Math.max(scores[other], 0) + recency * weights[entry];
          }
          recency *= decay;
        }
        if (maskHistory) for (const item of history) scores[item] = -Infinity;
        writeTopK(scores, recommendations, row);
      }
      return recommendations;
    },
  };
}
