import type { SparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender, type Scorer, scoreEach } from './define-recommender.js';
import { feedbackSchema, userItemMatrix, valuesOf } from './feedback.js';
import { nearestTo, similaritySchema, similarityTo } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

export const userKnnSchema = z.strictObject({
  k: z.int().positive().default(100).describe('users that a history is compared with in the end'),
  similarity: similaritySchema,
  feedback: feedbackSchema,
});

/**
 * User-based nearest neighbours: score(j) = sum over the k users v most like the history of s(history, v) x_vj. Resnick et al. 1994.
 *
 * A history is compared as it is, so anybody's will do. Of a user of the training data it is that user's own row, which is most
 * like itself and takes one of the k places, as in WarpRec.
 */
export const userKnn = defineRecommender({
  name: 'user-knn',
  options: userKnnSchema,
  fit(data, { feedback, similarity }) {
    const users = userItemMatrix(data, feedback);
    similarityTo(users, similarity); // refuses what cannot be compared before anybody asks
    return sparseWeights('users', users);
  },
  scorer(weights, options) {
    const users = sparseMatrixOf(weights, 'users');
    return scoreByUsers(users, users, (history) => history, options);
  },
});

/**
 * The items of the k users whose rows of `compared` are most like what `describe` makes of a history, each by how like they are.
 *
 * @param users  [users, N] what each is worth to a user
 */
export function scoreByUsers(
  users: SparseMatrix,
  compared: SparseMatrix,
  describe: (history: ReadonlyMap<number, number>) => ReadonlyMap<number, number>,
  { k, similarity, feedback }: z.output<typeof userKnnSchema>,
): Scorer {
  const { offsets, indices, values } = users;
  const nearest = nearestTo(compared, similarity, k);
  return scoreEach(users.columns, (scores, history, { ratings }) => {
    for (const [user, likeness] of nearest(describe(valuesOf(history, ratings, feedback)))) {
      for (let entry = offsets[user]; entry < offsets[user + 1]; entry++) {
        scores[indices[entry]] += likeness * values[entry];
      }
    }
  });
}
