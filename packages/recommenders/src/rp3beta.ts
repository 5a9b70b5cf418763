import { type SparseMatrix, transpose } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { feedbackSchema, positive, userItemMatrix } from './feedback.js';
import { keepNeighbours, scoreByNeighbours } from './neighbours.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * RP3beta: a random walk of three steps from a user over the graph of users and items, with popular ends held back. Paudel et al. 2017,
 * "Updatable, accurate, diverse, and scalable recommendations for interactive applications".
 *
 * W[i][j] = sum over users u of p(u | i)^alpha p(j | u)^alpha / popularity(j)^beta, without i itself; score = X W. With explicit
 * feedback a user goes to items by their ratings, and an item to all who met it alike.
 */
export const rp3beta = defineRecommender({
  name: 'rp3beta',
  options: z.strictObject({
    k: z.int().positive().default(100).describe('neighbours that an item keeps'),
    alpha: z.number().min(0).default(1).describe('exponent of the transition probabilities'),
    beta: z.number().min(0).default(0.6).describe('exponent of the popularity that a score is divided by'),
    normalize: z.boolean().default(false).describe('weights of an item sum to 1'),
    feedback: feedbackSchema,
  }),
  fit(data, { k, alpha, beta, normalize, feedback }) {
    const matrix = positive('rp3beta', userItemMatrix(data, feedback));
    const fromUsers = transitions(matrix, alpha); // [users, N]
    const met = { ...matrix, values: new Float64Array(matrix.values.length).fill(1) };
    const fromItems = transitions(transpose(met), alpha); // [N, users]
    const discount = new Float64Array(data.numItems);
    for (const item of matrix.indices) discount[item]++;
    for (const [item, popularity] of discount.entries()) discount[item] = popularity === 0 ? 0 : popularity ** -beta;
    const neighbours = keepNeighbours(data.numItems, k, (item, row) => {
      for (let step = fromItems.offsets[item]; step < fromItems.offsets[item + 1]; step++) {
        const user = fromItems.indices[step];
        for (let entry = fromUsers.offsets[user]; entry < fromUsers.offsets[user + 1]; entry++) {
          row[fromUsers.indices[entry]] += fromItems.values[step] * fromUsers.values[entry];
        }
      }
      for (const other of row.keys()) row[other] *= discount[other];
      row[item] = 0;
    });
    if (normalize) normalizeRows(neighbours.offsets, neighbours.values);
    return sparseWeights('neighbours', neighbours);
  },
  scorer: (weights, { feedback }) => scoreByNeighbours(sparseMatrixOf(weights, 'neighbours'), feedback),
});

/** Each row's values as probabilities, to the power of alpha; a row of zeros stays one. */
function transitions(matrix: SparseMatrix, alpha: number): SparseMatrix {
  const values = matrix.values.slice();
  normalizeRows(matrix.offsets, values);
  return { ...matrix, values: values.map((value) => value ** alpha) };
}

function normalizeRows(offsets: Int32Array, values: Float64Array): void {
  for (let row = 0; row + 1 < offsets.length; row++) {
    const own = values.subarray(offsets[row], offsets[row + 1]);
    const sum = own.reduce((total, value) => total + value, 0);
    if (sum > 0) for (const entry of own.keys()) own[entry] /= sum;
  }
}
