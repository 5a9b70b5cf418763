import { type SparseMatrix, sparseMatrix } from '@codebeam/data';
import { emptyRecommendations, writeTopK } from '@codebeam/eval';
import { z } from 'zod';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { feedbackSchema, userItemMatrix, valuesOf } from './feedback.js';
import { featuresOf } from './item-features.js';
import { keepNeighbours, scoreByNeighbours } from './neighbours.js';
import { rowOf, similaritySchema, similarityTo } from './similarity.js';

const k = z.int().positive().default(100);

/** Item-based nearest neighbours by what items are: {@link itemKnn} with the items' features in the place of their users. */
export const attributeItemKnn = defineRecommender({
  name: 'attribute-item-knn',
  options: z.strictObject({
    k: k.describe('neighbours that an item keeps, itself among them'),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { k, similarity }) {
    const features = featuresOf(data, 'attribute-item-knn');
    const compare = similarityTo(features, similarity);
    return keepNeighbours(data.numItems, k, (item, row) => compare(rowOf(features, item), row));
  },
  scorer: (neighbours, { feedback }, { numItems }) => scoreByNeighbours(neighbours, numItems, feedback),
});

/**
 * User-based nearest neighbours by what users' items are: users are compared by their profiles, the sum of the features of their items,
 * and a history is given the items of those nearest to it.
 */
export const attributeUserKnn = defineRecommender({
  name: 'attribute-user-knn',
  options: z.strictObject({
    k: k.describe('users that a history is compared with in the end'),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { feedback }) {
    const { offsets, indices, values } = userItemMatrix(data, feedback);
    const features = featuresOf(data, 'attribute-user-knn');
    return {
      offsets: vector(offsets),
      items: vector(indices),
      values: vector(values),
      'features.offsets': vector(features.offsets),
      'features.indices': vector(features.indices),
      'features.values': vector(features.values),
      'features.columns': vector(Int32Array.of(features.columns)),
    };
  },
  scorer(learnt, { k, similarity, feedback }, { numItems }) {
    const features: SparseMatrix = {
      rows: numItems,
      columns: learnt['features.columns'].values[0],
      offsets: learnt['features.offsets'].values,
      indices: learnt['features.indices'].values,
      values: learnt['features.values'].values,
    };
    const rows = learnt.offsets.values.length - 1;
    const users = {
      rows,
      columns: numItems,
      offsets: learnt.offsets.values,
      indices: learnt.items.values,
      values: learnt.values.values,
    };
    const profiles = sparseMatrix(
      Array.from({ length: rows }, (_, user) => profileOf(rowOf(users, user), features)),
      features.columns,
    );
    const compare = similarityTo(profiles, similarity);
    const likeness = new Float64Array(rows); // [users]
    const nearest = emptyRecommendations(1, Math.min(k, rows));
    return scoreEach(numItems, (scores, history, { ratings }) => {
      compare(profileOf(valuesOf(history, ratings, feedback), features), likeness);
      writeTopK(likeness, nearest, 0);
      for (const user of nearest.items) {
        if (user < 0) continue;
        for (const [item, value] of rowOf(users, user)) scores[item] += likeness[user] * value;
      }
    });
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
