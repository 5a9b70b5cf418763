import { transpose } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { feedbackSchema, userItemMatrix } from './feedback.js';
import { keepNeighbours, scoreByNeighbours } from './neighbours.js';
import { rowOf, similaritySchema, similarityTo } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * Item-based nearest neighbours: score(j) = sum over the items i of a history of x_i S[i][j], S the similarities of the items' columns
 * with all but the k nearest of each set to 0. Sarwar et al. 2001; Deshpande & Karypis 2004.
 *
 * Systems differ in whose k nearest these are, and whether an item takes one of its own places: WarpRec keeps the k greatest of each
 * row (source) with itself (self), RecBole those of each column (target) without.
 */
export const itemKnn = defineRecommender({
  name: 'item-knn',
  options: z
    .strictObject({
      k: z.int().positive().default(100).describe('neighbours that an item keeps'),
      similarity: similaritySchema,
      feedback: feedbackSchema,
      shrink: z.number().min(0).default(0).describe('added to the denominator of the cosine, against chance meetings'),
      keep: z
        .enum(['source', 'target'])
        .default('source')
        .describe('whose k neighbours are kept: those of the item in the history, or those of the one to be scored'),
      self: z.boolean().default(true).describe('an item is a neighbour of its own, and takes one of its k places'),
    })
    .refine(({ shrink, similarity }) => shrink === 0 || similarity === 'cosine', {
      error: 'shrink must be 0 unless similarity is cosine',
      path: ['shrink'],
    }),
  fit(data, { k, similarity, feedback, shrink, keep, self }) {
    const byItem = transpose(userItemMatrix(data, feedback)); // [N, users]
    const compare = similarityTo(byItem, similarity);
    const { offsets, values } = byItem;
    const lengths = Float64Array.from({ length: data.numItems }, (_, item) =>
      Math.sqrt(values.subarray(offsets[item], offsets[item + 1]).reduce((sum, value) => sum + value ** 2, 0)),
    );
    const neighbours = keepNeighbours(data.numItems, k, (item, row) => {
      compare(rowOf(byItem, item), row);
      if (shrink > 0) {
        for (const other of row.keys()) {
          const product = lengths[item] * lengths[other];
          if (row[other] !== 0) row[other] *= product / (product + shrink);
        }
      }
      if (!self) row[item] = 0;
    });
    return sparseWeights('neighbours', keep === 'source' ? neighbours : transpose(neighbours));
  },
  scorer: (weights, { feedback }) => scoreByNeighbours(sparseMatrixOf(weights, 'neighbours'), feedback),
});
