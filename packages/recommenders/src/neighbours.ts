import { transpose } from '@codebeam/data';
import { emptyRecommendations, writeTopK } from '@codebeam/eval';
import { type Scorer, scoreEach, vector } from './define-recommender.js';
import { type Feedback, valuesOf } from './feedback.js';

/** A sparse [N, N] table: item i's neighbours are entries `offsets[i]` to `offsets[i + 1]`. */
export type Neighbours = {
  offsets: ReturnType<typeof vector<Int32Array>>;
  items: ReturnType<typeof vector<Int32Array>>;
  weights: ReturnType<typeof vector<Float64Array>>;
};

/**
 * The k greatest weights of each item, none of which is 0; of equal ones those of lower ids. One dense row is in memory at a time.
 *
 * @param weigh  writes row `item` of the full table to `row` [N]
 */
export function keepNeighbours(
  numItems: number,
  k: number,
  weigh: (item: number, row: Float64Array) => void,
): Neighbours {
  const offsets = new Int32Array(numItems + 1);
  const items: number[] = [];
  const weights: number[] = [];
  const row = new Float64Array(numItems);
  const best = emptyRecommendations(1, Math.min(k, numItems));
  for (let item = 0; item < numItems; item++) {
    row.fill(0);
    weigh(item, row);
    writeTopK(row, best, 0);
    for (const other of best.items) {
      if (other < 0 || row[other] === 0) continue;
      items.push(other);
      weights.push(row[other]);
    }
    offsets[item + 1] = items.length;
  }
  return {
    offsets: vector(offsets),
    items: vector(Int32Array.from(items)),
    weights: vector(Float64Array.from(weights)),
  };
}

/** The same table with rows for columns: what points at each item. */
export function reverseNeighbours({ offsets, items, weights }: Neighbours): Neighbours {
  const numItems = offsets.values.length - 1;
  const shape = { rows: numItems, columns: numItems };
  const reversed = transpose({ ...shape, offsets: offsets.values, indices: items.values, values: weights.values });
  return { offsets: vector(reversed.offsets), items: vector(reversed.indices), weights: vector(reversed.values) };
}

/** score(j) = sum over the items i of a history of x_i W[i][j]. */
export function scoreByNeighbours(neighbours: Neighbours, numItems: number, feedback: Feedback): Scorer {
  const [offsets, items, weights] = [neighbours.offsets.values, neighbours.items.values, neighbours.weights.values];
  return scoreEach(numItems, (scores, history, { ratings }) => {
    for (const [item, value] of valuesOf(history, ratings, feedback)) {
      for (let entry = offsets[item]; entry < offsets[item + 1]; entry++)
        scores[items[entry]] += value * weights[entry];
    }
  });
}
