/**
 * SASRec: a causal transformer reads a user's items; the next one is that whose embedding has the greatest inner product with its
 * output. Kang & McAuley 2018, "Self-Attentive Sequential Recommendation", sec. 3.
 *
 * Shapes: B users, S items of B histories one after another, N items of the catalogue, T items read at most, D width.
 * Differs from the paper: histories are packed instead of padded, so a position counts from a history's oldest item; and unless told
 * otherwise, cross-entropy over all items takes the place of one negative with binary cross-entropy (Klenitskiy & Vasilev 2023 measure
 * what that changes).
 */
import { attention, layerNorm, softmaxCrossEntropy, tf } from '@codebeam/backend';
import { packSequences, placesIn, type Sequences } from '@codebeam/data';
import {
  type Affine,
  affine,
  createDropout,
  type Dropout,
  initLayerNorm,
  type LayerNorm,
  noDropout,
  normal,
} from '@codebeam/nn';
import { createKey, foldIn, type Key } from '@codebeam/random';
import { z } from 'zod';
import { binaryCrossEntropy, sampledSoftmax } from './sampled-losses.js';
import { type SasrecBatch, type SasrecSamples, sasrecBatches } from './sasrec-batches.js';
import { defineTrainedRecommender, recommenderTrainingSchema } from './train-recommender.js';

export const sasrecSchema = z.strictObject({
  modelWidth: z.int().positive().default(64).describe('D, width of the item embeddings (paper: 50)'),
  layers: z.int().positive().default(2).describe('blocks of attention and feed-forward (paper: 2)'),
  heads: z.int().positive().default(1).describe('attention heads (paper: 1)'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('dropout rate (paper: 0.5 for Amazon)'),
  maxHistory: z
    .int()
    .positive()
    .default(50)
    .describe('T, items of the history that are read, the latest ones (paper: 50)'),
  loss: z
    .enum(['cross-entropy', 'sampled-softmax', 'bce'])
    .default('cross-entropy')
    .describe('over all items; over the target and samples; of the target and one item not met (paper: bce)'),
  numSamples: z.int().positive().default(256).describe('sampled-softmax: K, negatives of a target'),
  sharedSamples: z
    .boolean()
    .default(true)
    .describe('sampled-softmax: all targets of a batch have the same negatives, or each has its own'),
  sampleAlpha: z
    .number()
    .min(0)
    .default(0)
    .describe('sampled-softmax: samples are drawn by popularity to this power; 0: uniformly'),
  logq: z
    .number()
    .min(0)
    .default(0)
    .describe('sampled-softmax: share of the log-probability of being drawn that scores are corrected by'),
});
export type SasrecConfig = z.infer<typeof sasrecSchema>;

/** SASRec's own defaults of the training knobs. */
export const sasrecTrainingSchema = recommenderTrainingSchema.extend({
  maxEpochs: recommenderTrainingSchema.shape.maxEpochs.default(60),
  batchSize: recommenderTrainingSchema.shape.batchSize.default(128),
});

type Block = {
  attentionNorm: LayerNorm;
  query: Affine;
  key: Affine;
  value: Affine;
  feedForwardNorm: LayerNorm;
  input: Affine;
  output: Affine;
};

export type Sasrec = {
  /** [N, D] of items, both read and recommended. */
  items: tf.Tensor2D;
  /** [T, D] */
  positions: tf.Tensor2D;
  blocks: Block[];
  norm: LayerNorm;
};

export function initSasrec(config: SasrecConfig, numItems: number, seed: number): Sasrec {
  const { modelWidth: width, maxHistory, layers } = config;
  const key = createKey(seed, 'init');
  const matrix = (site: number, rows: number, deviation: number) =>
    normal<tf.Rank.R2>(foldIn(key, site), [rows, width], deviation);
  const projection = (site: number): Affine => ({
    weight: matrix(site, width, width ** -0.5),
    bias: tf.zeros([width]),
  });
  return {
    items: matrix(0, numItems, width ** -0.5),
    positions: matrix(1, maxHistory, width ** -0.5),
    blocks: Array.from({ length: layers }, (_, layer) => {
      const [query, keys, value, input, output] = [2, 3, 4, 5, 6].map((site) => projection(5 * layer + site));
      return {
        attentionNorm: initLayerNorm(width),
        query,
        key: keys,
        value,
        feedForwardNorm: initLayerNorm(width),
        input,
        output,
      };
    }),
    norm: initLayerNorm(width),
  };
}

/** [S, D] what the model expects after each item of the histories, given that item and those before it. */
export function sasrecForward(
  params: Sasrec,
  packed: Sequences,
  { heads, modelWidth }: SasrecConfig,
  dropout: Dropout = noDropout,
): tf.Tensor2D {
  const { items, offsets } = packed;
  const places = placesIn(packed);
  const embedded = tf.mul(tf.gather(params.items, tf.tensor1d(items, 'int32')), Math.sqrt(modelWidth)); // [S, D]
  let hidden: tf.Tensor2D = dropout(tf.add(embedded, tf.gather(params.positions, tf.tensor1d(places, 'int32'))));
  for (const block of params.blocks) {
    // The paper's blocks: queries are normalised, keys and values are not, and what is added to is normalised too.
    const normed = normalise(block.attentionNorm, hidden);
    const query: tf.Tensor2D = tf.mul(affine(block.query, normed), (modelWidth / heads) ** -0.5);
    const seen = attention(query, affine(block.key, hidden), affine(block.value, hidden), {
      heads,
      causal: true,
      queryOffsets: offsets,
      keyOffsets: offsets,
      dropout: dropout.draw(),
    }); // [S, D]
    const attended = normalise(block.feedForwardNorm, tf.add(normed, seen));
    const inner = dropout(tf.relu(affine(block.input, attended))); // [S, D]
    hidden = tf.add(attended, dropout(affine(block.output, inner)));
  }
  return normalise(params.norm, hidden);
}

/**
 * Mean loss of each item that follows another, in nats: cross-entropy over all items; or, with samples, over the target and its negatives,
 * or the binary cross-entropies of the two, added (sec. 3.5).
 */
export function sasrecLoss(
  params: Sasrec,
  inputs: Sequences,
  targets: Int32Array,
  config: SasrecConfig,
  key?: Key,
  samples?: SasrecSamples,
): tf.Scalar {
  const dropout = key ? createDropout(config.dropout, key) : noDropout;
  const hidden = sasrecForward(params, inputs, config, dropout); // [S, D]
  if (!samples) return softmaxCrossEntropy(hidden, params.items, tf.tensor1d(targets, 'int32'));
  const { target, negatives } = scoreSamples(hidden, params.items, targets, samples);
  if (config.loss === 'bce') return tf.mul(2, binaryCrossEntropy(target, negatives));
  return sampledSoftmax(target, negatives);
}

/** Scores of targets [S, 1] and of their negatives [S, K], corrected; a negative that is the target itself has next to none. */
function scoreSamples(
  hidden: tf.Tensor2D,
  table: tf.Tensor2D,
  targets: Int32Array,
  { count, negatives, corrections }: SasrecSamples,
): { target: tf.Tensor2D; negatives: tf.Tensor2D } {
  const [positions, width] = hidden.shape;
  const own = tf.gather(table, tf.tensor1d(targets, 'int32')); // [S, D]
  const others: tf.Tensor2D = tf.gather(table, tf.tensor1d(negatives, 'int32')); // [K, D] or [S*K, D]
  let target: tf.Tensor2D = tf.sum(tf.mul(hidden, own), 1, true); // [S, 1]
  let compared: tf.Tensor2D =
    negatives.length === count
      ? tf.matMul(hidden, others, false, true) // [S, K]
      : tf.reshape(
          tf.matMul(tf.reshape(others, [positions, count, width]), tf.reshape(hidden, [positions, width, 1])),
          [positions, count],
        ); // [S, K, D] [S, D, 1] -> [S, K, 1] -> [S, K]
  if (corrections) {
    target = tf.sub(target, tf.tensor2d(corrections.targets, [positions, 1]));
    compared = tf.sub(compared, tf.tensor2d(corrections.negatives, [negatives.length / count, count]));
  }
  const drawn = tf.tensor2d(negatives, [negatives.length / count, count], 'int32');
  const isTarget = tf.equal(drawn, tf.tensor2d(targets, [positions, 1], 'int32')); // [S, K]
  return { target, negatives: tf.sub(compared, tf.mul(tf.cast(isTarget, 'float32'), 1e9)) };
}

/** SASRec as a recommender: an item's score is its inner product with what is expected. After an empty history all are alike. */
export const sasrec = defineTrainedRecommender<SasrecConfig, Sasrec, SasrecBatch>({
  name: 'sasrec',
  options: sasrecSchema,
  training: sasrecTrainingSchema,
  init: (config, { numItems }, seed) => initSasrec(config, numItems, seed),
  batches: sasrecBatches,
  loss: (params, { histories, targets, samples }, config, key) =>
    sasrecLoss(params, packSequences(histories), targets, config, key, samples),
  scorer:
    (params, config) =>
    ({ histories }) =>
      tf.matMul(lastOutputs(params, histories, config), params.items, false, true), // [B, N]
});

/** [B, D] what is expected after the last item of each history; zero after an empty one. */
export function lastOutputs(params: Sasrec, histories: readonly Int32Array[], config: SasrecConfig): tf.Tensor2D {
  const packed = packSequences(histories.map((history) => history.subarray(-config.maxHistory)));
  const hidden = sasrecForward(params, packed, config); // [S, D]
  const zero = tf.zeros<tf.Rank.R2>([1, config.modelWidth]);
  const rows = Int32Array.from(histories, (history, b) =>
    history.length > 0 ? packed.offsets[b + 1] - 1 : packed.items.length,
  );
  return tf.gather(tf.concat([hidden, zero]), tf.tensor1d(rows, 'int32'));
}

function normalise({ weight, bias }: LayerNorm, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, weight, bias, 1e-8); // as in the paper's code
}
