/**
 * Matrix factorisation for ranking: what a user has met shall score above what the user has not. Rendle et al. 2009, "BPR: Bayesian
 * personalized ranking from implicit feedback", sec. 4 and 5.1.
 */
import { tf } from '@codebeam/backend';
import { normal } from '@codebeam/nn';
import { createKey, foldIn } from '@codebeam/random';
import { z } from 'zod';
import { type Contrasts, contrastBatches } from './negatives.js';
import { defineTrainedRecommender, recommenderTrainingSchema } from './train-recommender.js';

export const bprMfSchema = z.strictObject({
  factors: z.int().positive().default(64).describe('D'),
  regularization: z
    .number()
    .min(0)
    .default(0.01)
    .describe('weight of half the squared norms of the factors of a triple'),
});

export type BprMf = {
  /** [U, D] */
  users: tf.Tensor2D;
  /** [N, D] */
  items: tf.Tensor2D;
};

/** Mean of -ln sigmoid(x y_met - x y_unmet), in nats. */
export function bprLoss(met: tf.Tensor, unmet: tf.Tensor): tf.Scalar {
  return tf.mean(tf.softplus(tf.sub(unmet, met)));
}

/**
 * BPR-MF as a recommender: an item's score is the inner product of its factors and the user's. Anybody whom training has not seen has the
 * mean of the factors of the items met, so that no history is without lists.
 */
export const bprMf = defineTrainedRecommender<z.output<typeof bprMfSchema>, BprMf, Contrasts>({
  name: 'bpr-mf',
  options: bprMfSchema,
  training: recommenderTrainingSchema.extend({
    batchSize: recommenderTrainingSchema.shape.batchSize.default(1024),
    learningRate: recommenderTrainingSchema.shape.learningRate.default(5e-3),
  }),
  init({ factors }, { sequences, numItems }, seed) {
    const key = createKey(seed, 'init');
    return {
      users: normal(foldIn(key, 0), [sequences.offsets.length - 1, factors], 0.1),
      items: normal(foldIn(key, 1), [numItems, factors], 0.1),
    };
  },
  batches: ({ sequences, numItems }, { batchSize, key }) =>
    contrastBatches(sequences, numItems, { batchSize, negatives: 1, key }),
  loss(params, { users, met, unmet }, { regularization }) {
    const user = tf.gather(params.users, tf.tensor1d(users, 'int32')); // [B, D]
    const [first, second] = [met, unmet].map((items) => tf.gather(params.items, tf.tensor1d(items, 'int32'))); // [B, D]
    const loss = bprLoss(tf.sum(tf.mul(user, first), 1), tf.sum(tf.mul(user, second), 1));
    const squares = [user, first, second].map((factors) => tf.sum(tf.square(factors)));
    return tf.add<tf.Scalar>(loss, tf.mul(tf.addN(squares), regularization / (2 * users.length)));
  },
  scorer:
    ({ items, users: known }, _options, { rowOf }) =>
    ({ histories, users }) => {
      const rows = histories.map((history, b) => {
        const row = rowOf(users?.[b]);
        if (row !== undefined) return tf.slice(known, [row, 0], [1, -1]);
        if (history.length === 0) return tf.zeros([1, items.shape[1]]);
        return tf.mean(tf.gather(items, tf.tensor1d(history, 'int32')), 0, true); // [1, D]
      });
      return tf.matMul(tf.concat(rows, 0), items, false, true); // [B, N]
    },
});
