import type { SparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { profileOf } from './attribute-knn.js';
import { defineRecommender, scoreEach, vector } from './define-recommender.js';
import { feedbackSchema, valuesOf } from './feedback.js';
import { featuresOf } from './item-features.js';
import { similaritySchema, similarityTo } from './similarity.js';

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
    const { columns, offsets, indices, values } = featuresOf(data, 'vsm');
    const frequency = new Float64Array(columns);
    for (const feature of indices) frequency[feature]++;
    const weigh = (value: number, entry: number) => value * Math.log(data.numItems / frequency[indices[entry]]);
    return {
      columns: vector(Int32Array.of(columns)),
      offsets: vector(offsets),
      indices: vector(indices),
      values: vector(weights === 'tfidf' ? values.map(weigh) : values),
    };
  },
  scorer({ columns, offsets, indices, values }, { similarity, feedback }, { numItems }) {
    const features: SparseMatrix = {
      rows: numItems,
      columns: columns.values[0],
      offsets: offsets.values,
      indices: indices.values,
      values: values.values,
    };
    const compare = similarityTo(features, similarity);
    return scoreEach(numItems, (scores, history, { ratings }) =>
      compare(profileOf(valuesOf(history, ratings, feedback), features), scores),
    );
  },
});
