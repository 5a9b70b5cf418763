import { countOf } from '@codebeam/data';
import { z } from 'zod';
import { profileOf } from './attribute-knn.js';
import { defineRecommender, scoreEach } from './define-recommender.js';
import { feedbackSchema, valuesOf } from './feedback.js';
import { featuresOf } from './item-features.js';
import { similaritySchema, similarityTo } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * The vector-space model: an item's score is how like its features are to the profile of the history, the sum of its items' features.
 * Salton, Wong & Yang 1975; di Noia et al. 2012 for recommending.
 */
export const vsm = defineRecommender({
  name: 'vsm',
  options: z.strictObject({
    weights: z
      .enum(['binary', 'tfidf'])
      .default('tfidf')
      .describe('features as they are, or times ln(N / items that have them)'),
    similarity: similaritySchema,
    feedback: feedbackSchema,
  }),
  fit(data, { weights }) {
    const features = featuresOf(data, 'vsm');
    if (weights === 'binary') return sparseWeights('features', features);
    const { columns, indices, values } = features;
    const frequency = countOf(indices, columns);
    const weigh = (value: number, entry: number) => value * Math.log(data.numItems / frequency[indices[entry]]);
    return sparseWeights('features', { ...features, values: values.map(weigh) });
  },
  scorer(weights, { similarity, feedback }, { numItems }) {
    const features = sparseMatrixOf(weights, 'features');
    const compare = similarityTo(features, similarity);
    return scoreEach(numItems, (scores, history, { ratings }) =>
      compare(profileOf(valuesOf(history, ratings, feedback), features), scores),
    );
  },
});
