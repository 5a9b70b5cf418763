import type { SparseMatrix } from '@codebeam/data';
import { emptyRecommendations, writeTopK } from '@codebeam/eval';
import { type Scorer, scoreEach } from './define-recommender.js';
import { type Feedback, valuesOf } from './feedback.js';

/**
 * [N, N] the k greatest weights of each item, none of which is 0; of equal ones those of lower ids. One dense row is in memory at a time.
 *
 * @param weigh  writes row `item` of the full table to `row` [N]
 */
export function keepNeighbours(
  numItems: number,
  k: number,
  weigh: (item: number, row: Float64Array) => void,
): SparseMatrix {
  const offsets = new Int32Array(numItems + 1);
  const indices: number[] = [];
  const values: number[] = [];
  const row = new Float64Array(numItems);
  const best = emptyRecommendations(1, Math.min(k, numItems));
  for (let item = 0; item < numItems; item++) {
    row.fill(0);
    weigh(item, row);
    writeTopK(row, best, 0);
    for (const other of best.items) {
      if (other < 0 || row[other] === 0) continue;
      indices.push(other);
      values.push(row[other]);
    }
    offsets[item + 1] = indices.length;
  }
  return {
    rows: numItems,
    columns: numItems,
    offsets,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
}

/** score(j) = sum over the items i of a history of x_i W[i][j]. */
export function scoreByNeighbours(neighbours: SparseMatrix, feedback: Feedback): Scorer {
  const { columns, offsets, indices, values } = neighbours;
  return scoreEach(columns, (scores, history, { ratings }) => {
    for (const [item, value] of valuesOf(history, ratings, feedback)) {
      for (let entry = offsets[item]; entry < offsets[item + 1]; entry++)
        scores[indices[entry]] += value * values[entry];
    }
  });
}
