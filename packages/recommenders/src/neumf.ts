/**
 * NeuMF: how well a user and an item go together is learnt by two branches, a product of their embeddings and a network that reads
 * them, joined by one layer. He et al. 2017, "Neural collaborative filtering", sec. 3.
 *
 * Shapes: R pairs of a user and an item, U users, N items, G width of GMF's embeddings, M of the MLP's, H of its last layer.
 * Differs from the paper: both branches are trained together from the start, none is trained before (sec. 3.4.1).
 */
import { tf } from '@codebeam/backend';
import {
  type Affine,
  activationNames,
  affine,
  createDropout,
  type Dropout,
  initLinear,
  initMlp,
  isRunningAverage,
  type Mlp,
  mlp,
  mlpInTraining,
  noDropout,
  normal,
} from '@codebeam/nn';
import { createKey, foldIn, type Key } from '@codebeam/random';
import type { LossResult } from '@codebeam/trainers';
import { z } from 'zod';
import { userItemMatrix, valuesOf } from './feedback.js';
import { type Contrasts, contrastBatches } from './negatives.js';
import { binaryCrossEntropy } from './sampled-losses.js';
import { nearestTo } from './similarity.js';
import { defineTrainedRecommender, recommenderTrainingSchema } from './train-recommender.js';

export const neumfSchema = z.strictObject({
  branches: z.enum(['both', 'gmf', 'mlp']).default('both').describe('NeuMF, or one of its branches alone'),
  gmfWidth: z.int().positive().default(16).describe('G (paper: 8 to 64)'),
  mlpWidth: z.int().positive().default(32).describe('M, of users and of items each (paper: 16 to 128)'),
  layers: z
    .array(z.int().positive())
    .min(1)
    .default([64, 32, 16])
    .describe('widths of the MLP (paper: each half of the one before it, the last one as wide as GMF)'),
  activation: z.enum(activationNames).default('relu').describe('after every layer of the MLP (paper: relu)'),
  dropout: z.number().min(0).lt(1).default(0).describe('of what each layer of the MLP reads'),
  batchNorm: z.boolean().default(false).describe("normalise each layer's sums over the batch"),
  negatives: z.int().positive().default(4).describe('items not met for each one met, drawn anew each epoch (paper: 4)'),
  neighbours: z
    .int()
    .positive()
    .default(20)
    .describe('users whose mean stands for somebody whom training has not seen'),
  regularization: z.number().min(0).default(0).describe("weight of half the squared norms of a pair's embeddings"),
});
export type NeumfConfig = z.output<typeof neumfSchema>;

/** Embeddings of users [U, G or M] and of items [N, G or M]. */
type Embeddings = { users: tf.Tensor2D; items: tf.Tensor2D };

export type Neumf = {
  gmf?: Embeddings;
  /** The first of the layers reads [2 M]. */
  mlp?: Embeddings & { layers: Mlp };
  /** h of eq. 12: weight [G + H, 1], and a bias. */
  output: Affine;
};

export function initNeumf(config: NeumfConfig, numUsers: number, numItems: number, seed: number): Neumf {
  const { branches, gmfWidth, mlpWidth, layers, batchNorm } = config;
  const key = createKey(seed, 'init');
  const embeddings = (site: number, width: number): Embeddings => ({
    users: normal(foldIn(key, site), [numUsers, width], 0.01), // as in sec. 4.1
    items: normal(foldIn(key, site + 1), [numItems, width], 0.01),
  });
  const gmf = branches !== 'mlp' && embeddings(0, gmfWidth);
  const mlp = branches !== 'gmf' && {
    ...embeddings(2, mlpWidth),
    layers: initMlp(foldIn(key, 4), [2 * mlpWidth, ...layers], batchNorm),
  };
  const width = (gmf ? gmfWidth : 0) + (mlp ? layers[layers.length - 1] : 0);
  return {
    ...(gmf && { gmf }),
    ...(mlp && { mlp }),
    output: { ...initLinear(foldIn(key, 5), width, 1), bias: tf.zeros([1]) },
  };
}

/** [R, width] rows of a table of embeddings, one for each pair. */
export type LookUp = (table: tf.Tensor2D) => tf.Tensor2D;

/**
 * [R, 1] the scores of pairs, before the sigmoid. Eq. 8, 10 and 12.
 *
 * @param dropout  in training; the updates are then of the running averages of batch norms
 */
export function neumfForward(
  params: Neumf,
  users: LookUp,
  items: LookUp,
  { activation }: NeumfConfig,
  dropout?: Dropout,
): { scores: tf.Tensor2D; updates: { [name: string]: tf.Tensor } } {
  const options = { activation, activateLast: true };
  const joined: tf.Tensor2D[] = [];
  let averages: { [name: string]: tf.Tensor } = {};
  if (params.gmf) joined.push(tf.mul(users(params.gmf.users), items(params.gmf.items))); // [R, G]
  if (params.mlp) {
    const { layers } = params.mlp;
    const read: tf.Tensor2D = tf.concat([users(params.mlp.users), items(params.mlp.items)], 1); // [R, 2 M]
    if (dropout) {
      const { output, updates } = mlpInTraining(layers, read, dropout, options);
      joined.push(output); // [R, H]
      averages = updates;
    } else {
      joined.push(mlp(layers, read, options)); // [R, H]
    }
  }
  return {
    scores: affine(params.output, tf.concat(joined, 1)), // [R, G + H] -> [R, 1]
    updates: Object.fromEntries(Object.entries(averages).map(([name, x]) => [`mlp.layers.${name}`, x])),
  };
}

/** Mean binary cross-entropy of what users have met and have not (eq. 7), in nats, and the penalty. */
export function neumfLoss(params: Neumf, batch: Contrasts, config: NeumfConfig, key?: Key): LossResult {
  const { whose, items } = pairsOf(batch);
  const looked: tf.Tensor2D[] = [];
  const lookUp = (rows: Int32Array): LookUp => {
    const indices = tf.tensor1d(rows, 'int32');
    return (table) => {
      const found: tf.Tensor2D = tf.gather(table, indices);
      looked.push(found);
      return found;
    };
  };
  const dropout = key ? createDropout(config.dropout, key) : noDropout;
  const { scores, updates } = neumfForward(params, lookUp(whose), lookUp(items), config, dropout); // [B + B*K, 1]
  const loss = binaryCrossEntropy(tf.slice(scores, 0, batch.met.length), tf.slice(scores, batch.met.length));
  const squares = tf.addN(looked.map((embeddings) => tf.sum(tf.square(embeddings))));
  return { loss: tf.add(loss, tf.mul(squares, config.regularization / (2 * items.length))), updates };
}

/** [B + B*K] the pairs of a batch: first those met, then those not. */
export function pairsOf({ users, met, unmet }: Contrasts): { whose: Int32Array; items: Int32Array } {
  const negatives = unmet.length / met.length;
  return {
    whose: Int32Array.from([...users, ...unmet.map((_, i) => users[Math.floor(i / negatives)])]),
    items: Int32Array.from([...met, ...unmet]),
  };
}

/**
 * NeuMF as a recommender: an item's score is what comes before the sigmoid. Anybody whom training has not seen has the mean of the
 * embeddings of the users who have met the most like things, each as much as they are alike (cosine); where nobody has, of all users. The
 * network is told users from items, so that embeddings of items, as in BPR-MF, would not do.
 */
export const neumf = defineTrainedRecommender<NeumfConfig, Neumf, Contrasts>({
  name: 'neumf',
  options: neumfSchema,
  training: recommenderTrainingSchema.extend({
    maxEpochs: recommenderTrainingSchema.shape.maxEpochs.default(20),
  }),
  init: (config, { sequences, numItems }, seed) => initNeumf(config, sequences.offsets.length - 1, numItems, seed),
  batches: ({ sequences, numItems }, options) => contrastBatches(sequences, numItems, options),
  averaged: isRunningAverage,
  loss: neumfLoss,
  scorer(params, config, { sequences, numItems, rowOf }) {
    const met = userItemMatrix({ sequences, numItems }, 'implicit'); // [U, N]
    const nearest = nearestTo(met, 'cosine', config.neighbours);
    const everybody = Array.from({ length: met.rows }, (_, user) => [user, 1] as const);

    function usersLike(history: Int32Array, row: number | undefined): readonly (readonly [number, number])[] {
      if (row !== undefined) return [[row, 1]];
      const found = nearest(valuesOf(history, undefined, 'implicit'));
      return found.length > 0 ? found : everybody;
    }

    /** [1, N] */
    function scoresOf(history: Int32Array, user: string | undefined): tf.Tensor2D {
      const users = usersLike(history, rowOf(user));
      const rows = tf.tensor1d(
        Int32Array.from(users, ([row]) => row),
        'int32',
      );
      const sum = users.reduce((total, [, likeness]) => total + likeness, 0);
      const shares = tf.tensor2d(
        Float32Array.from(users, ([, likeness]) => likeness / sum),
        [1, users.length],
      );
      const mean: LookUp = (table) => {
        const vector: tf.Tensor2D = tf.matMul(shares, tf.gather(table, rows)); // [1, width]
        return tf.tile(vector, [numItems, 1]);
      };
      return tf.transpose(neumfForward(params, mean, (table) => table, config).scores); // [N, 1] -> [1, N]
    }

    return ({ histories, users }) =>
      tf.concat(histories.map((history, b) => tf.tidy(() => scoresOf(history, users?.[b])))); // [B, N]
  },
});
