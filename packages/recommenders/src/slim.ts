import { type SparseMatrix, sparseMatrix, transpose } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { feedbackSchema, userItemMatrix } from './feedback.js';
import { keepNeighbours, scoreByNeighbours } from './neighbours.js';
import { rowOf } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * SLIM: sparse, non-negative weights of items on items. Ning & Karypis 2011, "SLIM: Sparse linear methods for top-N recommender systems".
 *
 * For each item j, w >= 0 with w_j = 0 minimises 1/(2 U) |x_j - X w|^2 + alpha l1 |w|_1 + alpha (1 - l1)/2 |w|^2 over the U users, by
 * coordinate descent (the elastic net's parametrisation of Friedman et al. 2010); score = X W.
 */
export const slim = defineRecommender({
  name: 'slim',
  options: z.strictObject({
    alpha: z.number().positive().default(0.001).describe('weight of both penalties'),
    l1: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe('share of the penalty that is on the sum of weights; the rest is on their squares'),
    maxSweeps: z.int().positive().default(100).describe('passes over the weights of an item, at most'),
    tolerance: z
      .number()
      .positive()
      .default(1e-4)
      .describe('ends when no weight moves by more than this share of the greatest'),
    feedback: feedbackSchema,
  }),
  fit(data, options) {
    const matrix = userItemMatrix(data, options.feedback);
    const byTarget = keepNeighbours(data.numItems, data.numItems, createDescent(matrix, options));
    return sparseWeights('neighbours', transpose(byTarget)); // found by target, used by the item in the history
  },
  scorer: (weights, { feedback }) => scoreByNeighbours(sparseMatrixOf(weights, 'neighbours'), feedback),
});

/** A function that fits one target's weights [N]; all that are not 0 are above. */
function createDescent(
  matrix: SparseMatrix,
  { alpha, l1, maxSweeps, tolerance }: { alpha: number; l1: number; maxSweeps: number; tolerance: number },
) {
  const { offsets, indices, values } = gramMatrix(matrix);
  const lasso = matrix.rows * alpha * l1;
  const ridge = matrix.rows * alpha * (1 - l1);
  const left = new Float64Array(matrix.columns); // x_i (x_target - X w): how an item still goes with what is left of the target
  const own = new Float64Array(matrix.columns); // x_i x_i
  const items = Int32Array.from(own.keys());
  // Weights then take from `left` and never add to it, so that an item that starts below the threshold stays there.
  const isFalling = values.every((value) => value >= 0);
  for (let item = 0; item < matrix.columns; item++) {
    for (let entry = offsets[item]; entry < offsets[item + 1]; entry++) {
      if (indices[entry] === item) own[item] = values[entry];
    }
  }
  return (target: number, weights: Float64Array): void => {
    left.fill(0);
    for (let entry = offsets[target]; entry < offsets[target + 1]; entry++) left[indices[entry]] = values[entry];
    const candidates = items.filter((item) => item !== target && (!isFalling || left[item] > lasso));
    for (let sweep = 0; sweep < maxSweeps; sweep++) {
      let largest = 0;
      let moved = 0;
      for (const item of candidates) {
        const before = weights[item];
        const after = Math.max(0, left[item] + own[item] * before - lasso) / (own[item] + ridge);
        largest = Math.max(largest, after);
        if (after === before) continue;
        moved = Math.max(moved, Math.abs(after - before));
        weights[item] = after;
        for (let entry = offsets[item]; entry < offsets[item + 1]; entry++) {
          left[indices[entry]] -= values[entry] * (after - before);
        }
      }
      if (moved <= tolerance * largest) break;
    }
  };
}

/** [N, N] X'X of a sparse X, sparse itself. */
function gramMatrix(matrix: SparseMatrix): SparseMatrix {
  const byItem = transpose(matrix);
  function* rows() {
    for (let item = 0; item < matrix.columns; item++) {
      const row = new Map<number, number>();
      for (const [user, value] of rowOf(byItem, item)) {
        for (const [other, its] of rowOf(matrix, user)) row.set(other, (row.get(other) ?? 0) + value * its);
      }
      yield row;
    }
  }
  return sparseMatrix(rows(), matrix.columns);
}
