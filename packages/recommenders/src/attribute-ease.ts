import { stackRows, transpose } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { easeBytes, fitEase, scoreByRows } from './ease.js';
import { feedbackSchema, userItemMatrix } from './feedback.js';
import { featuresOf } from './item-features.js';

const l2 = z.number().positive().describe('weight of the squared norm of B; 100 to 1,000 are usual');

/**
 * EASE with item features in the place of further users: each feature is a row that has met the items that have it. Jeunen, Van Balen &
 * Goethals 2020, "Closed-form models for collaborative filtering with side-information", sec. 3 (CEASE).
 *
 * B is EASE of X stacked on alpha F', F [N, features].
 */
export const cease = defineRecommender({
  name: 'cease',
  options: z.strictObject({
    l2,
    alpha: z.number().min(0).default(1).describe('what a feature counts, where an interaction counts 1'),
    feedback: feedbackSchema,
  }),
  async fit(data, { l2, alpha, feedback }) {
    const byFeature = transpose(featuresOf(data, 'cease')); // [features, N]
    const weighted = { ...byFeature, values: byFeature.values.map((value) => alpha * value) };
    const values = await fitEase(stackRows(userItemMatrix(data, feedback), weighted), l2);
    return { weights: { shape: [data.numItems, data.numItems], values } };
  },
  estimateBytes: easeBytes,
  scorer: ({ weights: { values } }, { feedback }, { numItems }) => scoreByRows(values, numItems, feedback),
});

/**
 * EASE of the interactions and EASE of the features, fitted apart and added: alpha B_X + (1 - alpha) B_F. The same paper's add-EASE.
 */
export const addEase = defineRecommender({
  name: 'add-ease',
  options: z.strictObject({
    l2,
    l2Features: l2.optional().describe("the same for the features' own; that of the interactions when left out"),
    alpha: z.number().min(0).max(1).default(0.5).describe("share of the interactions' weights in the sum"),
    feedback: feedbackSchema,
  }),
  async fit(data, { l2, l2Features = l2, alpha, feedback }) {
    const fromUsers = await fitEase(userItemMatrix(data, feedback), l2);
    const fromFeatures = await fitEase(transpose(featuresOf(data, 'add-ease')), l2Features);
    const values = fromUsers.map((value, i) => alpha * value + (1 - alpha) * fromFeatures[i]);
    return { weights: { shape: [data.numItems, data.numItems], values } };
  },
  estimateBytes: (size) => easeBytes(size) + 4 * size.numItems ** 2, // the other's B beside
  scorer: ({ weights: { values } }, { feedback }, { numItems }) => scoreByRows(values, numItems, feedback),
});
