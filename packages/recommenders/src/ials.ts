import { solvePositiveDefinite } from '@codebeam/backend';
import { type SparseMatrix, transpose } from '@codebeam/data';
import { createGenerator, createKey } from '@codebeam/random';
import { z } from 'zod';
import { defineRecommender, scoreEach } from './define-recommender.js';
import { feedbackSchema, positive, userItemMatrix, valuesOf } from './feedback.js';
import { rowOf } from './similarity.js';

export const ialsSchema = z.strictObject({
  factors: z.int().positive().default(64).describe('D'),
  alpha: z.number().positive().default(10).describe('confidence in an interaction is 1 + alpha times its value'),
  regularization: z.number().positive().default(10).describe('weight of the squared norms of the factors'),
  sweeps: z.int().positive().default(15).describe('times that users and then items are solved for'),
  feedback: feedbackSchema,
});
type IalsConfig = z.output<typeof ialsSchema>;

/**
 * Implicit matrix factorisation by alternating least squares. Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback
 * datasets", eq. 3 to 5.
 *
 * Minimises sum over all u, i of c_ui (p_ui - x_u y_i)^2 + regularization (|X|^2 + |Y|^2), p_ui = 1 where u met i and 0 elsewhere,
 * c_ui = 1 + alpha r_ui. Only the items' factors are kept: what a user's are follows from any history by one more solve, so that one
 * never seen in training is as good as one that was.
 */
export const ials = defineRecommender({
  name: 'ials',
  options: ialsSchema,
  fit(data, config, { seed }) {
    const itemFactors = factorizeItems(positive('ials', userItemMatrix(data, config.feedback)), config, seed);
    return { items: { shape: [data.numItems, config.factors], values: itemFactors } };
  },
  scorer({ items: { values } }, config, { numItems }) {
    const { factors } = config;
    const solve = createSolver(values, config);
    return scoreEach(numItems, (scores, history, { ratings }) => {
      const user = solve(valuesOf(history, ratings, config.feedback)); // [D]
      for (let item = 0; item < numItems; item++) {
        let sum = 0;
        for (let d = 0; d < factors; d++) sum += user[d] * values[item * factors + d];
        scores[item] = sum;
      }
    });
  },
});

/** [N*D] after so many sweeps over a matrix [U, N]. */
function factorizeItems(users: SparseMatrix, config: IalsConfig, seed: number): Float64Array<ArrayBuffer> {
  const items = transpose(users); // [N, U]
  const generator = createGenerator(createKey(seed, 'init'));
  let itemFactors = Float64Array.from({ length: items.rows * config.factors }, () => generator.normal() * 0.01);
  for (let sweep = 0; sweep < config.sweeps; sweep++) {
    itemFactors = solveRows(items, solveRows(users, itemFactors, config), config);
  }
  return itemFactors;
}

/**
 * The factors of users and items themselves, for who wants more of them than a recommender.
 *
 * @param counts  [U, N] how often users met items
 * @returns users [U*D] · items [N*D]
 * @throws RangeError naming an option that is out of its range
 */
export function factorizeImplicit(
  counts: SparseMatrix,
  options: Partial<Omit<IalsConfig, 'feedback'>> = {},
  seed = 42,
): { users: Float64Array; items: Float64Array } {
  const parsed = ialsSchema.safeParse(options);
  if (!parsed.success) throw new RangeError(`ials: options must be valid, got ${z.prettifyError(parsed.error)}`);
  const items = factorizeItems(counts, parsed.data, seed);
  return { users: solveRows(counts, items, parsed.data), items };
}

/** [rows*D] the factors of every row of a matrix, given those of its columns. */
export function solveRows(
  matrix: SparseMatrix,
  columnFactors: Float64Array,
  config: IalsConfig,
): Float64Array<ArrayBuffer> {
  const solve = createSolver(columnFactors, config);
  const solved = new Float64Array(matrix.rows * config.factors);
  for (let row = 0; row < matrix.rows; row++) solved.set(solve(rowOf(matrix, row)), row * config.factors);
  return solved;
}

/** x = (Y'Y + Y'(C - I)Y + reg I)^-1 Y' C p: Y'Y is shared by all rows, and C - I is not 0 only where something was met. */
function createSolver(y: ArrayLike<number>, { factors: D, alpha, regularization }: IalsConfig) {
  const gram = new Float64Array(D * D);
  for (let start = 0; start < y.length; start += D) {
    for (let a = 0; a < D; a++) for (let b = 0; b <= a; b++) gram[a * D + b] += y[start + a] * y[start + b];
  }
  for (let a = 0; a < D; a++) gram[a * D + a] += regularization;
  const matrix = new Float64Array(D * D); // its lower half
  return (met: ReadonlyMap<number, number>): Float64Array => {
    const x = new Float64Array(D);
    matrix.set(gram);
    for (const [column, value] of met) {
      const start = column * D;
      const confidence = 1 + alpha * value;
      for (let a = 0; a < D; a++) {
        const weighted = y[start + a];
        x[a] += confidence * weighted;
        for (let b = 0; b <= a; b++) matrix[a * D + b] += (confidence - 1) * weighted * y[start + b];
      }
    }
    solvePositiveDefinite(matrix, x);
    return x;
  };
}
