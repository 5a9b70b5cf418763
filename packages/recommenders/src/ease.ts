import { invertPositiveDefinite, tf } from '@codebeam/backend';
import type { SparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { type DataSize, defineRecommender, type Scorer, scoreEach } from './define-recommender.js';
import { type Feedback, feedbackSchema, userItemMatrix, valuesOf } from './feedback.js';

/**
 * EASE: the linear model of items on items without self-similarity that fits the user-item matrix best, in closed form.
 * Steck 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8.
 *
 * P = (X'X + l2 I)^-1; B[i][j] = -P[i][j] / P[j][j], 0 on the diagonal; score = X B.
 */
export const ease = defineRecommender({
  name: 'ease',
  options: z.strictObject({
    l2: z.number().positive().describe('weight of the squared norm of B; 100 to 1,000 are usual'),
    feedback: feedbackSchema,
  }),
  async fit(data, { l2, feedback }) {
    const weights = await fitEase(userItemMatrix(data, feedback), l2);
    return { weights: { shape: [data.numItems, data.numItems], values: weights } };
  },
  estimateBytes: easeBytes,
  scorer: ({ weights: { values } }, { feedback }, { numItems }) => scoreByRows(values, numItems, feedback),
});

/** Some ten [N, N] in float32 at a time, most of them while the inverse is joined: measured 9.7 at N = 4,500 and 11 at 1,500. */
export function easeBytes({ numItems }: DataSize): number {
  return 10 * 4 * numItems ** 2;
}

/** [N, N] the weights of columns on columns, row major. */
export async function fitEase(matrix: SparseMatrix, l2: number): Promise<Float32Array> {
  const n = matrix.columns;
  const gram = gramMatrix(matrix); // [N, N]
  for (let i = 0; i < n; i++) gram[i * n + i] += l2;
  const tensor = tf.tensor2d(gram, [n, n]);
  const inverse = await invertPositiveDefinite(tensor); // P
  const weights = Float32Array.from(await inverse.data<'float32'>());
  tf.dispose([tensor, inverse]);
  const diagonal = Float32Array.from({ length: n }, (_, i) => weights[i * n + i]);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) weights[i * n + j] /= -diagonal[j];
    weights[i * n + i] = 0;
  }
  return weights; // B
}

/** score = x B for a history x and weights B [N, N]. */
export function scoreByRows(values: ArrayLike<number>, numItems: number, feedback: Feedback): Scorer {
  return scoreEach(numItems, (scores, history, { ratings }) => {
    for (const [item, value] of valuesOf(history, ratings, feedback)) {
      const row = item * numItems;
      for (let j = 0; j < numItems; j++) scores[j] += value * values[row + j];
    }
  });
}

/** [N, N] X'X of a sparse X. */
function gramMatrix({ columns, offsets, indices, values }: SparseMatrix): Float32Array {
  const gram = new Float32Array(columns * columns);
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let a = offsets[row]; a < offsets[row + 1]; a++) {
      const start = indices[a] * columns;
      for (let b = offsets[row]; b < offsets[row + 1]; b++) gram[start + indices[b]] += values[a] * values[b];
    }
  }
  return gram;
}
