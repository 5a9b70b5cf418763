import type { Recommender } from '@codebeam/eval';
import { historyOf } from './population.js';
import type { Model } from './system.js';

export interface AskRecommenderOptions {
  /** Who is asked, at first or throughout. Without it the first lists are random, until the first training. */
  recommender?: Recommender;
  /** Items that it knows, from 0 on; all when left out. */
  knownItems?: number;
  /** Fits a recommender to what users have met so far, oldest first, at each training; left out, it is never fitted again. */
  fit?: (histories: readonly Int32Array[], numItems: number) => Recommender | Promise<Recommender>;
  /** Users asked about at a time; 1024 when left out. Answers do not depend on it. */
  batchSize?: number;
}

/**
 * Any recommender as the system: it is asked for lists after each user's history of the simulation so far, and may be fitted anew to
 * those histories. Items that lists lack, as of a recommender that knows fewer items, are drawn at random.
 */
export function askRecommender({ recommender, knownItems, fit, batchSize = 1024 }: AskRecommenderOptions): Model {
  if (!recommender && !fit) {
    throw new RangeError('simulation: a recommender must be given, or how one is fitted, got neither');
  }
  return (context) => {
    let { numItems, numUsers } = context;
    let current = recommender;
    if (knownItems !== undefined && knownItems > numItems) {
      throw new RangeError(
        `simulation: numItems must be ${knownItems} at least, the items that ${recommender?.name} knows, got ${numItems}; raise it`,
      );
    }
    let known = knownItems ?? numItems; // by whom is asked: later ones are no part of a history for them
    const interactions: Int32Array[] = [];
    return {
      async recommend({ k, histories, repeatedItems }) {
        const lists = new Int32Array(histories.length * k).fill(-1);
        if (!current) return lists;
        for (let start = 0; start < histories.length; start += batchSize) {
          const batch = histories
            .slice(start, start + batchSize)
            .map((history) => (known < numItems ? history.filter((item) => item < known) : history));
          const { items } = await current.recommend(batch, k, { maskHistory: !repeatedItems });
          lists.set(items, start * k);
        }
        return lists;
      },
      update: (chosen) => void interactions.push(chosen),
      async train() {
        if (!fit || interactions.length === 0) return;
        current = await fit(
          Array.from({ length: numUsers }, (_, user) => historyOf({ interactions }, user)),
          numItems,
        );
        known = numItems;
      },
      addItems(added) {
        numItems += added.rows;
      },
      addUsers(added) {
        numUsers += added.rows;
      },
    };
  };
}
