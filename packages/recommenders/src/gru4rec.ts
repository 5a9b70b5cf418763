/**
 * GRU4Rec: a recurrent network reads the items of a session; an item's score is the inner product of its embedding and the last hidden
 * state. Hidasi et al. 2016, "Session-based recommendations with recurrent neural networks" [2016]; Hidasi & Karatzoglou 2018,
 * "Recurrent neural networks with top-k gains for session-based recommendations" [2018]. Written from the papers.
 *
 * Shapes: B sessions side by side, S samples, C = B + S items that a step compares, N items of the catalogue, H units of a layer.
 * A step reads one event of each session: the hidden state goes on from step to step, gradients do not.
 */
import { tf } from '@codebeam/backend';
import { packSequences, type Sequences, sequenceOf } from '@codebeam/data';
import { createDropout, type Dropout, noDropout } from '@codebeam/nn';
import { createGenerator, createKey, foldIn, type Key } from '@codebeam/random';
import { adagrad, type LossResult } from '@codebeam/trainers';
import { z } from 'zod';
import { type Gru, gruStep, type OneHotGru, oneHotGruStep } from './gru.js';
import { countItems } from './popularity.js';
import { createSampleCache, cumulativePopularity } from './sample-cache.js';
import { sampledBprMax, sampledCrossEntropy } from './sampled-losses.js';
import { sessionParallelBatches } from './session-parallel-batches.js';
import { defineTrainedRecommender, recommenderTrainingSchema } from './train-recommender.js';

const rate = z.number().min(0).lt(1).default(0);

export const gru4recSchema = z.strictObject({
  layers: z.array(z.int().positive()).min(1).default([100]).describe('H, units of each layer'),
  loss: z.enum(['cross-entropy', 'bpr-max']).default('cross-entropy'),
  embeddingDropout: rate.describe('of the embeddings of the items read, or of a one-hot first layer'),
  hiddenDropout: rate.describe('of the state of each layer, as it is handed on and as it is kept'),
  momentum: rate.describe('share of the last change of a weight that is made again'),
  numSamples: z
    .int()
    .min(0)
    .default(2048)
    .describe('S, negatives besides the other targets of the step; 0: these alone'),
  sampleAlpha: z.number().min(0).default(0.5).describe('samples are drawn by popularity to this power; 0: uniformly'),
  sampleCacheMaxSize: z.int().positive().default(10_000_000).describe('samples drawn ahead at once, at most'),
  constrainedEmbedding: z.boolean().default(true).describe('items are read by the embeddings that they are scored by'),
  embedding: z
    .union([z.int().min(0), z.literal('layersize')])
    .default(0)
    .describe(
      'unless constrained, width of embeddings for reading, `layersize` that of the first layer; 0: none, the first layer has a row per item',
    ),
  bpreg: z.number().min(0).default(1).describe('bpr-max: weight of the score regularization'),
  eluParam: z.number().min(0).default(0.5).describe('bpr-max: parameter of the ELU over scores; 0: none'),
  logq: z
    .number()
    .min(0)
    .default(0)
    .describe('cross-entropy: share of the log-popularity that scores are corrected by'),
  compatibilityMode: z
    .boolean()
    .default(false)
    .describe("initial weights from one stream with seed 42, block by block in a fixed order, whatever the run's seed"),
});
export type Gru4recConfig = z.infer<typeof gru4recSchema>;

export const gru4recTrainingSchema = recommenderTrainingSchema.extend({
  maxEpochs: recommenderTrainingSchema.shape.maxEpochs.default(10),
  batchSize: recommenderTrainingSchema.shape.batchSize.default(64),
  accumulate: z.literal(1, 'must be 1: each step goes on from the hidden state of the last').default(1),
  optimizer: z.literal('adagrad').default('adagrad'),
  learningRate: recommenderTrainingSchema.shape.learningRate.default(0.05),
  gradientClip: recommenderTrainingSchema.shape.gradientClip.default(0),
});

export type Gru4rec = {
  /**
   * [N, H + 1] Wy, what the last layer's state is compared with and, constrained, the first layer reads; and By as the last column, so
   * that a row against a state and a 1 is its item's whole score.
   */
  items: tf.Tensor2D;
  /** [N, E] embeddings that are only read, or [N, 3H] the rows of a one-hot first layer. */
  inputs?: tf.Tensor2D;
  layers: (Gru | OneHotGru)[];
};

/** A model in training, and where the sessions of the step before stand: [B, H] of each layer. */
export type Gru4recInTraining = Gru4rec & { carried: tf.Tensor2D[] };

/** Distinct rows of a table, and where the items that were asked for stand among them. */
interface Rows {
  rows: Int32Array;
  places: Int32Array[];
}

export interface Gru4recStep {
  /** [b] slot of the step before that goes on here; -1 where a session begins. */
  from: Int32Array;
  /** [b] items to read, as rows of `inputs`, or of `items` where constrained. */
  inputs: Int32Array;
  /** [C] items to score, as rows of `items`: the b targets, then the samples. */
  outputs: Int32Array;
  /** [C] what is taken off their scores, if anything is. */
  corrections?: Float32Array;
  /** The rows that the step is about, by name of the table. */
  rows: { [name: string]: Int32Array };
}

const isOneHot = ({ constrainedEmbedding, embedding }: Gru4recConfig) => !constrainedEmbedding && embedding === 0;

/**
 * Each block of h x n weights is uniform in +-sqrt(6 / (h + n)), biases are zero. With `compatibilityMode` the blocks are drawn one after
 * another: embeddings for reading; of each layer the input blocks and then the recurrent ones, each in the order reset, update,
 * candidate; items. That is the distribution of the original's initialisation, whose very bits only NumPy's generator can make.
 */
export function initGru4rec(
  config: Gru4recConfig,
  numItems: number,
  batchSize: number,
  seed: number,
): Gru4recInTraining {
  const { layers: units, constrainedEmbedding, compatibilityMode } = config;
  const embedding = config.embedding === 'layersize' ? units[0] : config.embedding;
  const width = units[units.length - 1];
  const compatible = createGenerator(createKey(42, 'init'));
  const key = createKey(seed, 'init');
  let site = 0;
  const uniform = () => (compatibilityMode ? compatible : createGenerator(foldIn(key, site++))).uniform;
  const blocks = (rows: number, columns: number, count: number) =>
    tf.concat(
      Array.from({ length: count }, () => uniformBlock(uniform(), rows, columns)),
      1,
    ); // [rows, count * columns]

  const separate = !constrainedEmbedding && embedding > 0 ? blocks(numItems, embedding, 1) : undefined;
  let inputs: tf.Tensor2D | undefined = separate;
  const layers = units.map((H, layer): Gru | OneHotGru => {
    if (layer === 0 && isOneHot(config)) {
      inputs = blocks(numItems, H, 3);
      return { bias: tf.zeros([3 * H]), gates: blocks(H, H, 2), candidate: blocks(H, H, 1) };
    }
    const D = layer > 0 ? units[layer - 1] : (separate?.shape[1] ?? width);
    return {
      input: blocks(D, H, 3),
      bias: tf.zeros([3 * H]),
      hidden: blocks(H, H, 3),
      hiddenBias: tf.zeros([3 * H]),
    };
  });
  return {
    items: withColumn(blocks(numItems, width, 1), tf.zeros([numItems, 1])),
    ...(inputs && { inputs }),
    layers,
    carried: units.map((H) => tf.zeros([batchSize, H])),
  };
}

function uniformBlock(uniform: () => number, rows: number, columns: number): tf.Tensor2D {
  const bound = Math.sqrt(6 / (rows + columns));
  const values = Float32Array.from({ length: rows * columns }, () => bound * (2 * uniform() - 1));
  return tf.tensor2d(values, [rows, columns]);
}

/**
 * All layers after one more event of each session, [b, H] each: what they keep and hand on.
 *
 * @param read      [b, D] embeddings of the items read, or rows of the one-hot layer
 * @param dropouts  of each layer's state; none when left out
 */
export function gru4recForward(
  layers: Gru4rec['layers'],
  read: tf.Tensor2D,
  before: readonly tf.Tensor2D[],
  dropouts: readonly Dropout[] = [],
): tf.Tensor2D[] {
  let input = read;
  return layers.map((layer, i) => {
    const state = 'gates' in layer ? oneHotGruStep(layer, input, before[i]) : gruStep(layer, input, before[i]); // [b, H]
    input = (dropouts[i] ?? noDropout)(state);
    return input;
  });
}

/**
 * A step's loss, summed over its slots and divided by B even where fewer are left; and the states to be carried on, as updates.
 *
 * @param params  whose `items` and `inputs` are the step's rows of the tables
 * @param key     of dropout; none when left out
 */
export function gru4recLoss(
  params: Gru4recInTraining,
  { from, inputs, outputs, corrections }: Gru4recStep,
  config: Gru4recConfig,
  key?: Key,
): LossResult {
  const draw = (rate: number, site: number) => (key ? createDropout(rate, foldIn(key, site)) : noDropout);
  const [embedding, ofStates] = [draw(config.embeddingDropout, 0), draw(config.hiddenDropout, 1)];
  const embedded = readItems(params, inputs); // [b, D]
  const dropouts = params.layers.map((_, layer) => (isOneHot(config) && layer === 0 ? embedding : ofStates));
  const read = isOneHot(config) ? embedded : embedding(embedded);
  const states = gru4recForward(params.layers, read, goOn(params.carried, from), dropouts);
  const [slots, all] = [from.length, params.carried[0].shape[0]];
  let hidden = withColumn(states[states.length - 1], tf.ones([slots, 1])); // [b, H + 1]
  let classes: tf.Tensor2D = tf.gather(params.items, tf.tensor1d(outputs, 'int32')); // [C, H + 1]
  if (corrections) {
    hidden = withColumn(hidden, tf.fill([slots, 1], -1)); // [b, H + 2]
    classes = withColumn(classes, tf.tensor2d(corrections, [outputs.length, 1])); // [C, H + 2]
  }
  const mean =
    config.loss === 'cross-entropy' ? sampledCrossEntropy(hidden, classes) : sampledBprMax(hidden, classes, config);
  const rest = (state: tf.Tensor2D) => tf.zeros([all - slots, state.shape[1]]);
  const padded = (state: tf.Tensor2D) => (slots < all ? tf.concat([state, rest(state)]) : state); // [B, H]
  const updates = Object.fromEntries(states.map((state, layer) => [`carried.${layer}`, padded(state)]));
  return { loss: tf.mul(mean, slots / all), updates };
}

/** [b, D] what the first layer reads of items. */
function readItems({ inputs, items }: Gru4rec, rows: Int32Array): tf.Tensor2D {
  const read: tf.Tensor2D = tf.gather(inputs ?? items, tf.tensor1d(rows, 'int32'));
  return inputs ? read : tf.slice(read, 0, [-1, read.shape[1] - 1]); // without the biases
}

function withColumn(matrix: tf.Tensor2D, column: tf.Tensor2D): tf.Tensor2D {
  return tf.concat([matrix, column], 1);
}

/** [b, H] of each layer: the states that the slots go on from, zero where a session begins. */
function goOn(carried: readonly tf.Tensor2D[], from: Int32Array): readonly tf.Tensor2D[] {
  if (from.length === carried[0].shape[0] && from.every((slot, i) => slot === i)) return carried;
  const slots = tf.tensor1d(
    from.map((slot) => Math.max(0, slot)),
    'int32',
  );
  const goesOn = tf.tensor2d(
    Float32Array.from(from, (slot) => (slot < 0 ? 0 : 1)),
    [from.length, 1],
  );
  return carried.map((state) => tf.mul(tf.gather(state, slots), goesOn));
}

/** One epoch of steps. */
export function gru4recSteps(
  sequences: Sequences,
  numItems: number,
  { batchSize, key, ...config }: Gru4recConfig & { batchSize: number; key: Key },
): Iterable<Gru4recStep> & { readonly size: number } {
  const { numSamples, sampleAlpha, sampleCacheMaxSize, constrainedEmbedding, loss } = config;
  const logq = loss === 'cross-entropy' ? config.logq : 0;
  const slots = { batchSize, minSlots: numSamples === 0 ? 2 : 1 };
  function size(): number {
    let count = 0;
    for (const _ of sessionParallelBatches(sequences, slots)) count++;
    return count;
  }

  function* steps(): Generator<Gru4recStep> {
    const counts = countItems(sequences, numItems);
    const cacheSteps = Math.max(1, Math.min(size(), Math.floor(sampleCacheMaxSize / Math.max(1, numSamples))));
    const cumulative = cumulativePopularity(counts, sampleAlpha);
    const nextSamples = createSampleCache(cumulative, { size: numSamples, steps: cacheSteps, key });
    const distinct = createDistinctRows(numItems);
    for (const { inputs: read, targets, from } of sessionParallelBatches(sequences, slots)) {
      const compared = concatenated(targets, nextSamples());
      const together = constrainedEmbedding ? [compared, read] : [compared];
      const { rows: items, places } = distinct(together);
      const alone = constrainedEmbedding ? undefined : distinct([read]);
      yield {
        from,
        inputs: alone ? alone.places[0] : places[1],
        outputs: places[0],
        ...(logq > 0 && {
          corrections: Float32Array.from(
            compared,
            (item, i) => logq * (i < targets.length ? 1 : sampleAlpha) * Math.log(counts[item]),
          ),
        }),
        rows: { items, ...(alone && { inputs: alone.rows }) },
      };
    }
  }
  return {
    get size() {
      return size();
    },
    [Symbol.iterator]: steps,
  };
}

/** Finds the distinct items of some lists, by first occurrence, and where the items of each list stand among them. */
function createDistinctRows(numItems: number): (lists: readonly Int32Array[]) => Rows {
  const placeOf = new Int32Array(numItems).fill(-1); // all -1 again after each call
  return (lists) => {
    const found: number[] = [];
    const places = lists.map((list) =>
      list.map((item) => {
        if (placeOf[item] < 0) placeOf[item] = found.push(item) - 1;
        return placeOf[item];
      }),
    );
    for (const item of found) placeOf[item] = -1;
    return { rows: Int32Array.from(found), places };
  };
}

function concatenated(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Sessions by the time of their first event; of equal times, and without any, as they are. */
function inOrder(sessions: Sequences, firstTimes: Float64Array | undefined): Sequences {
  if (!firstTimes) return sessions;
  const order = Array.from(firstTimes.keys()).sort((a, b) => firstTimes[a] - firstTimes[b] || a - b);
  return packSequences(order.map((session) => sequenceOf(sessions, session)));
}

/** [B, H] the last layer's state after each history, however long; zero after an empty one. */
export function lastStates(params: Gru4rec, histories: readonly Int32Array[]): tf.Tensor2D {
  const { layers } = params;
  const order = Int32Array.from(histories.keys()).sort((a, b) => histories[b].length - histories[a].length);
  const longest = histories[order[0]]?.length ?? 0;
  let states = layers.map(({ bias }) => tf.zeros<tf.Rank.R2>([order.length, bias.shape[0] / 3]));
  // Longest first, so that those that still go on are the first rows.
  for (let t = 0, going = order.length; t < longest; t++) {
    while (histories[order[going - 1]].length <= t) going--;
    const read = Int32Array.from({ length: going }, (_, row) => histories[order[row]][t]);
    const before = states;
    states = tf.tidy(() => {
      const own = before.map((state) => tf.slice(state, 0, going)); // [going, H]
      const next = gru4recForward(layers, readItems(params, read), own);
      if (going === order.length) return next;
      return next.map((state, layer) => tf.concat([state, tf.slice(before[layer], going)]));
    });
    tf.dispose(before);
  }
  const rowOf = new Int32Array(order.length);
  for (const [row, history] of order.entries()) rowOf[history] = row;
  return tf.gather(states[states.length - 1], tf.tensor1d(rowOf, 'int32'));
}

/**
 * GRU4Rec as a recommender: it reads a session from its first event to its last, in training the sessions by their first events or, where
 * the data has no times, in its order. After
 * an empty session the biases speak alone. A run that is resumed goes on bit for bit: the hidden states are in its checkpoints.
 */
export const gru4rec = defineTrainedRecommender<Gru4recConfig, Gru4recInTraining, Gru4recStep>({
  name: 'gru4rec',
  options: gru4recSchema,
  training: gru4recTrainingSchema,
  carried: 'carried',
  optimizer: ({ learningRate, momentum }) => adagrad({ learningRate, momentum, initialSquares: 1e-6, epsilon: 0 }),
  init: (config, { numItems }, seed) => initGru4rec(config, numItems, config.batchSize, seed),
  batches: ({ sequences, numItems, firstTimes }, options) =>
    gru4recSteps(inOrder(sequences, firstTimes), numItems, options),
  rows: ({ rows }) => rows,
  loss: gru4recLoss,
  scorer:
    (params) =>
    ({ histories }) => {
      const hidden = withColumn(lastStates(params, histories), tf.ones([histories.length, 1])); // [B, H + 1]
      return tf.matMul(hidden, params.items, false, true); // [B, N]
    },
});
