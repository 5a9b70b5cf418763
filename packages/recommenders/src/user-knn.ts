import { emptyRecommendations, writeTopK } from '@codebeam/eval';
import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { feedbackSchema, userItemMatrix, valuesOf } from './feedback.js';
import { similaritySchema, similarityTo } from './similarity.js';

/**
 * User-based nearest neighbours: score(j) = sum over the k users v most like the history of s(history, v) x_vj. Resnick et al. 1994.
 *
 * A history is compared as it is, so anybody's will do. Of a user of the training data it is that user's own row, which is most
 * like itself and takes one of the k places, as in WarpRec.
 */
export const userKnn = defineRecommender({
  name: 'user-knn',
  options: z.strictObject({
    k: z.int().positive().default(100).describe('users that a history is compared with in the end'),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { feedback, similarity }) {
    const matrix = userItemMatrix(data, feedback);
    similarityTo(matrix, similarity); // refuses what cannot be compared before anybody asks
    return { offsets: vector(matrix.offsets), items: vector(matrix.indices), values: vector(matrix.values) };
  },
  scorer({ offsets, items, values }, { k, similarity, feedback }, { numItems }) {
    const rows = offsets.values.length - 1;
    const matrix = { rows, columns: numItems, offsets: offsets.values, indices: items.values, values: values.values };
    const compare = similarityTo(matrix, similarity);
    const likeness = new Float64Array(rows); // [users]
    const nearest = emptyRecommendations(1, Math.min(k, rows));
    return scoreEach(numItems, (scores, history, { ratings }) => {
      compare(valuesOf(history, ratings, feedback), likeness);
      writeTopK(likeness, nearest, 0);
      for (const user of nearest.items) {
        if (user < 0 || likeness[user] === 0) continue;
        for (let entry = offsets.values[user]; entry < offsets.values[user + 1]; entry++) {
          scores[items.values[entry]] += likeness[user] * values.values[entry];
        }
      }
    });
  },
});
