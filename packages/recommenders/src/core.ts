/**
 * CORE: a session is a weighted mean of its items' embeddings, and so lies in the space that it is compared in. Hou et al. 2022,
 * "CORE: Simple and effective session-based recommendation within consistent representation space", sec. 3.
 *
 * Shapes: B sessions, S items of B sessions one after another, N items of the catalogue, T items read at most, D width.
 */
import { attention, layerNorm, softmaxCrossEntropy, tf, unitRows } from '@codebeam/backend';
import {
  type Batch,
  bucketByLength,
  packSequences,
  placesIn,
  type Sequences,
  slidingWindowPairs,
} from '@codebeam/data';
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
import { createGenerator, createKey, foldIn, type Key } from '@codebeam/random';
import { z } from 'zod';
import { defineTrainedRecommender, recommenderTrainingSchema } from './train-recommender.js';

export const coreSchema = z.strictObject({
  encoder: z
    .enum(['ave', 'trm'])
    .default('trm')
    .describe('weights of the items of a session: all alike, or as a transformer says'),
  modelWidth: z.int().positive().default(100).describe('D (paper: 100)'),
  layers: z.int().positive().default(2).describe('trm: blocks of attention and feed-forward'),
  heads: z.int().positive().default(2).describe('trm: attention heads'),
  feedForwardWidth: z.int().positive().default(256).describe('trm: width of the hidden layer'),
  dropout: z.number().min(0).lt(1).default(0.5).describe('trm: within the transformer'),
  sessionDropout: z.number().min(0).lt(1).default(0.2).describe('of the items of a session, whatever weighs them'),
  itemDropout: z.number().min(0).lt(1).default(0.2).describe('of the items that a session is compared with'),
  temperature: z.number().positive().default(0.07).describe('what cosines are divided by'),
  maxHistory: z.int().positive().default(50).describe('T, items of a session that are read, the latest ones'),
});
export type CoreConfig = z.infer<typeof coreSchema>;

export const coreTrainingSchema = recommenderTrainingSchema.extend({
  maxEpochs: recommenderTrainingSchema.shape.maxEpochs.default(20),
  batchSize: recommenderTrainingSchema.shape.batchSize.default(2048),
  gradientClip: recommenderTrainingSchema.shape.gradientClip.default(0),
});

type Block = {
  query: Affine;
  key: Affine;
  value: Affine;
  attended: Affine;
  attentionNorm: LayerNorm;
  input: Affine;
  output: Affine;
  feedForwardNorm: LayerNorm;
};
type Transformer = {
  /** [T, D] */
  positions: tf.Tensor2D;
  norm: LayerNorm;
  blocks: Block[];
  /** [1, D] an item's weight is the softmax of its inner product with this, over the session. */
  weight: tf.Tensor2D;
};
export type Core = { items: tf.Tensor2D; transformer?: Transformer };

export function initCore(config: CoreConfig, numItems: number, seed: number): Core {
  const { encoder, modelWidth: width, feedForwardWidth, layers, maxHistory } = config;
  const key = createKey(seed, 'init');
  const items = uniform(foldIn(key, 0), [numItems, width], width ** -0.5);
  if (encoder === 'ave') return { items };
  let site = 1;
  const matrix = (rows: number, columns: number) => normal<tf.Rank.R2>(foldIn(key, site++), [rows, columns], 0.02);
  const projection = (inputs: number, outputs: number): Affine => ({
    weight: matrix(inputs, outputs),
    bias: tf.zeros([outputs]),
  });
  const block = (): Block => ({
    query: projection(width, width),
    key: projection(width, width),
    value: projection(width, width),
    attended: projection(width, width),
    attentionNorm: initLayerNorm(width),
    input: projection(width, feedForwardWidth),
    output: projection(feedForwardWidth, width),
    feedForwardNorm: initLayerNorm(width),
  });
  return {
    items,
    transformer: {
      positions: matrix(maxHistory, width),
      norm: initLayerNorm(width),
      blocks: Array.from({ length: layers }, block),
      weight: matrix(1, width),
    },
  };
}

/** [B, D] sessions: unit vectors, or zero for a session of no items. */
export function encodeSessions(
  { items: table, transformer }: Core,
  sessions: Sequences,
  config: CoreConfig,
  dropout: { session: Dropout; transformer: Dropout } = { session: noDropout, transformer: noDropout },
): tf.Tensor2D {
  const { items, offsets } = sessions;
  const isEmpty = (b: number) => offsets[b + 1] === offsets[b];
  const queryOffsets = new Int32Array(offsets.length); // a query for each session that has items
  for (let b = 0; b + 1 < offsets.length; b++) queryOffsets[b + 1] = queryOffsets[b] + (isEmpty(b) ? 0 : 1);
  const numQueries = queryOffsets[offsets.length - 1];
  const embedded: tf.Tensor2D = tf.gather(table, tf.tensor1d(items, 'int32')); // [S, D]
  const vectors = dropout.session(embedded); // [S, D] what is weighed, and what the weights are of
  const query = transformer
    ? tf.tile(transformer.weight, [numQueries, 1])
    : tf.zeros<tf.Rank.R2>([numQueries, config.modelWidth]); // weighs all alike
  const keys = transformer ? transform(transformer, vectors, sessions, config, dropout.transformer) : vectors;
  const encoded = unitRows(attention(query, keys, vectors, { heads: 1, queryOffsets, keyOffsets: offsets }));
  const zero = tf.zeros<tf.Rank.R2>([1, config.modelWidth]);
  const rows = Int32Array.from({ length: offsets.length - 1 }, (_, b) => (isEmpty(b) ? numQueries : queryOffsets[b]));
  return tf.gather(tf.concat([encoded, zero]), tf.tensor1d(rows, 'int32')); // [B, D]
}

/** [S, D] what a causal transformer makes of the items of each session (post-norm, as in BERT). */
function transform(
  { positions, norm, blocks }: Transformer,
  embedded: tf.Tensor2D,
  sessions: Sequences,
  { heads, modelWidth }: CoreConfig,
  dropout: Dropout,
): tf.Tensor2D {
  const { offsets } = sessions;
  const places = placesIn(sessions);
  let hidden = dropout(normalise(norm, tf.add(embedded, tf.gather(positions, tf.tensor1d(places, 'int32'))))); // [S, D]
  for (const block of blocks) {
    const query: tf.Tensor2D = tf.mul(affine(block.query, hidden), (modelWidth / heads) ** -0.5);
    const seen = attention(query, affine(block.key, hidden), affine(block.value, hidden), {
      heads,
      causal: true,
      queryOffsets: offsets,
      keyOffsets: offsets,
      dropout: dropout.draw(),
    }); // [S, D]
    hidden = normalise(block.attentionNorm, tf.add(hidden, dropout(affine(block.attended, seen))));
    const inner = gelu(affine(block.input, hidden)); // [S, F]
    hidden = normalise(block.feedForwardNorm, tf.add(hidden, dropout(affine(block.output, inner))));
  }
  return hidden;
}

/** Mean cross-entropy over all items of the item that follows each session, in nats: the robust distance of sec. 3.3. */
export function coreLoss(
  params: Core,
  sessions: Sequences,
  targets: Int32Array,
  config: CoreConfig,
  key?: Key,
): tf.Scalar {
  const draw = (rate: number, site: number) => (key ? createDropout(rate, foldIn(key, site)) : noDropout);
  const dropout = { session: draw(config.sessionDropout, 0), transformer: draw(config.dropout, 1) };
  const encoded = encodeSessions(params, sessions, config, dropout); // [B, D]
  const items = unitRows(draw(config.itemDropout, 2)(params.items)); // [N, D]
  return softmaxCrossEntropy(tf.div(encoded, config.temperature), items, tf.tensor1d(targets, 'int32'));
}

/** CORE as a recommender: an item's score is the cosine of its embedding and the session, over the temperature. */
export const core = defineTrainedRecommender<CoreConfig, Core, Batch>({
  name: 'core',
  options: coreSchema,
  training: coreTrainingSchema,
  init: (config, { numItems }, seed) => initCore(config, numItems, seed),
  batches: ({ sequences }, options) => bucketByLength(slidingWindowPairs(sequences, options), options),
  loss: (params, { histories, targets }, config, key) =>
    coreLoss(params, packSequences(histories), targets, config, key),
  scorer:
    (params, config) =>
    ({ histories }) => {
      const latest = packSequences(histories.map((history) => history.subarray(-config.maxHistory)));
      const encoded = tf.div(encodeSessions(params, latest, config), config.temperature); // [B, D]
      return tf.matMul(encoded, unitRows(params.items), false, true); // [B, N]
    },
});

function normalise({ weight, bias }: LayerNorm, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, weight, bias, 1e-12); // as in the paper's code
}

function gelu(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

function uniform(key: Key, shape: [number, number], bound: number): tf.Tensor2D {
  const generator = createGenerator(key);
  return tf.tensor2d(
    Float32Array.from({ length: shape[0] * shape[1] }, () => bound * (2 * generator.uniform() - 1)),
    shape,
  );
}
