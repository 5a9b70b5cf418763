import { countOf, type SparseMatrix, sparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { profileOf } from './attribute-knn.js';
import { defineRecommender, scoreEach } from './define-recommender.js';
import { feedbackSchema, valuesOf } from './feedback.js';
import { featuresOf } from './item-features.js';
import { rowOf, similaritySchema, similarityTo } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * The vector-space model: an item's score is how like its features are to the profile of the history, the sum of its items' features.
 * Salton, Wong & Yang 1975; di Noia et al. 2012 for recommending. WarpRec's has `weights: smooth-tfidf` and `profile: unit` where it
 * says tfidf of items and of users.
 */
export const vsm = defineRecommender({
  name: 'vsm',
  options: z.strictObject({
    weights: z
      .enum(['binary', 'tfidf', 'smooth-tfidf'])
      .default('tfidf')
      .describe(
        'features as they are, times ln(N / n) where n items have them, or times ln((N + 1) / (n + 1)) + 1 and then of length 1',
      ),
    profile: z
      .enum(['sum', 'unit'])
      .default('sum')
      .describe("the sum of the history's items, or the same at length 1 (which cosine does not see)"),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { weights }) {
    return sparseWeights('features', weighFeatures(featuresOf(data, 'vsm'), weights));
  },
  scorer(weights, { profile, similarity, feedback }, { numItems }) {
    const features = sparseMatrixOf(weights, 'features');
    const compare = similarityTo(features, similarity);
    return scoreEach(numItems, (scores, history, { ratings }) => {
      const sum = profileOf(valuesOf(history, ratings, feedback), features);
      compare(profile === 'unit' ? unitVector(sum) : sum, scores);
    });
  },
});

/** [N, F] features as the profiles of items. */
function weighFeatures(features: SparseMatrix, weights: 'binary' | 'tfidf' | 'smooth-tfidf'): SparseMatrix {
  if (weights === 'binary') return features;
  const { rows, columns, indices, values } = features;
  const frequency = countOf(indices, columns);
  const isSmooth = weights === 'smooth-tfidf';
  const rarity = Float64Array.from(frequency, (n) =>
    isSmooth ? Math.log((rows + 1) / (n + 1)) + 1 : Math.log(rows / n),
  );
  const weighed = { ...features, values: values.map((value, entry) => value * rarity[indices[entry]]) };
  if (!isSmooth) return weighed;
  return sparseMatrix(
    Array.from({ length: rows }, (_, item) => unitVector(rowOf(weighed, item))),
    columns,
  );
}

function unitVector(vector: ReadonlyMap<number, number>): Map<number, number> {
  const length = Math.sqrt([...vector.values()].reduce((sum, value) => sum + value ** 2, 0)) || 1;
  return new Map(Array.from(vector, ([at, value]) => [at, value / length]));
}
