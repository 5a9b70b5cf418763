import { type SparseMatrix, sparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { feedbackSchema, userItemMatrix } from './feedback.js';
import { featuresOf } from './item-features.js';
import { keepNeighbours, scoreByNeighbours } from './neighbours.js';
import { rowOf, similaritySchema, similarityTo } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';
import { scoreByUsers, userKnnSchema } from './user-knn.js';

/** Item-based nearest neighbours by what items are: {@link itemKnn} with the items' features in the place of their users. */
export const attributeItemKnn = defineRecommender({
  name: 'attribute-item-knn',
  options: z.strictObject({
    k: z.int().positive().default(100).describe('neighbours that an item keeps, itself among them'),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { k, similarity }) {
    const features = featuresOf(data, 'attribute-item-knn');
    const compare = similarityTo(features, similarity);
    return sparseWeights(
      'neighbours',
      keepNeighbours(data.numItems, k, (item, row) => compare(rowOf(features, item), row)),
    );
  },
  scorer: (weights, { feedback }) => scoreByNeighbours(sparseMatrixOf(weights, 'neighbours'), feedback),
});

/**
 * User-based nearest neighbours by what users' items are: {@link userKnn} with users compared by their profiles, the sum of the features
 * of their items.
 */
export const attributeUserKnn = defineRecommender({
  name: 'attribute-user-knn',
  options: userKnnSchema,
  fit: (data, { feedback }) => ({
    ...sparseWeights('users', userItemMatrix(data, feedback)),
    ...sparseWeights('features', featuresOf(data, 'attribute-user-knn')),
  }),
  scorer(weights, options) {
    const users = sparseMatrixOf(weights, 'users');
    const features = sparseMatrixOf(weights, 'features');
    const profiles = Array.from({ length: users.rows }, (_, user) => profileOf(rowOf(users, user), features));
    const compared = sparseMatrix(profiles, features.columns); // [users, F]
    return scoreByUsers(users, compared, (history) => profileOf(history, features), options);
  },
});

/** What a history is about: the sum of its items' features, by feature. */
export function profileOf(history: ReadonlyMap<number, number>, features: SparseMatrix): Map<number, number> {
  const profile = new Map<number, number>();
  for (const [item, worth] of history) {
    for (const [feature, value] of rowOf(features, item))
      profile.set(feature, (profile.get(feature) ?? 0) + worth * value);
  }
  return profile;
}
