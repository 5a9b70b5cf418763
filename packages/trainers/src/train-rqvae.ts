import { join } from 'node:path';
import { tf } from '@codebeam/backend';
import { type Embeddings, shuffledBatches } from '@codebeam/data';
import { createKey, foldIn, type Key } from '@codebeam/random';
import {
  encodeItems,
  initCodebooks,
  initRqvae,
  isTrainable,
  normaliseInputs,
  type RqvaeConfig,
  type RqvaeParams,
  resetDeadCodes,
  rqvaeLoss,
} from '@codebeam/rqvae';
import type { Callback, FitState } from './fit.js';
import { logCodebooks } from './log-codebooks.js';
import { type TrainOptions, train } from './train.js';
import { type TrainingConfig, trainingSchema } from './training-config.js';

const { maxEpochs, learningRate, schedule, weightDecay, gradientClip } = trainingSchema.shape;

/** RQ-VAE's own defaults of the training knobs. */
export const rqvaeTrainingSchema = trainingSchema.extend({
  maxEpochs: maxEpochs.default(60),
  learningRate: learningRate.default(3e-3),
  schedule: schedule
    .unwrap()
    .extend({ name: schedule.unwrap().shape.name.default('cosine') })
    .prefault({}),
  weightDecay: weightDecay.default(1e-4),
  gradientClip: gradientClip.default(0),
});

export interface TrainRqvaeOptions
  extends Pick<TrainOptions<RqvaeParams, unknown>, 'stateFolder' | 'logFolder' | 'callbacks'> {
  /** One row per item. All items are trained on: the catalogue is known when semantic IDs are made. */
  embeddings: Embeddings;
  config: RqvaeConfig;
  training: TrainingConfig;
}

/**
 * Trains the tokenizer that the config names: an RQ-VAE (Rajput et al. 2023, sec. 3.1), its codebooks placed by k-means
 * before the first step, or residual k-means, which is only that placing.
 *
 * @returns the parameters after the last epoch. No checkpoint is chosen by collisions: the fewest are found at the start,
 *          when the codes still encode the noise of an untrained encoder.
 */
export async function trainRqvae(options: TrainRqvaeOptions): Promise<RqvaeParams> {
  const { embeddings, config, training, stateFolder, logFolder, callbacks = [] } = options;
  const initKey = createKey(training.seed, 'init');
  const params = initRqvae(foldIn(initKey, 0), embeddings, config);
  const placeCodebooks = (params: RqvaeParams) => initCodebooks(params, embeddings, config, foldIn(initKey, 1));
  if (config.tokenizer === 'residual-kmeans') return placeCodebooks(params);

  const shuffleKey = createKey(training.seed, 'shuffle');
  const start: Callback<RqvaeParams> = async ({ kind, state }) => {
    // Not when a run goes on from a checkpoint.
    if (kind === 'start' && state.step === 0 && config.initialisation === 'kmeans++') {
      state.params = await placeCodebooks(state.params);
    }
  };
  const revive: Callback<RqvaeParams> = async ({ kind, state }) => {
    const { deadCodeResetEpochs } = config;
    if (kind !== 'epoch' || deadCodeResetEpochs === 0 || state.epoch % deadCodeResetEpochs > 0) return;
    await reviveCodes(state, embeddings, config, foldIn(createKey(training.seed, 'sample'), state.epoch));
  };
  const logs =
    logFolder && join(logFolder, training.logDir, training.experimentName, training.version ?? '', 'codebooks');
  const log = logs ? [logCodebooks({ directory: logs, every: 10, embeddings, config })] : [];
  const inputs = holdInputs(params, embeddings, config);
  const state = await train<RqvaeParams, Int32Array>({
    label: 'train-rqvae',
    training,
    params,
    loss: (params, items) => rqvaeLoss(params, inputs.of(items), config),
    batches: (epoch) => shuffledBatches(foldIn(shuffleKey, epoch), embeddings.rows, training.batchSize),
    batchesPerEpoch: Math.ceil(embeddings.rows / training.batchSize),
    trainable: isTrainable(config),
    identity: { config, embeddings: embeddings.values },
    callbacks: [start, revive, ...log, ...callbacks],
    ...(stateFolder !== undefined && { stateFolder }),
    ...(logFolder !== undefined && { logFolder }),
  }).finally(inputs.dispose);
  tf.dispose(state.optimizer);
  return state.params;
}

/** Embeddings of up to so many bytes are normalised once and held by the backend, larger ones batch by batch. */
const heldBytes = 2 ** 29;

/** `of` gives the [B, E] normalised inputs of some items. The normalisation stays the same throughout training. */
function holdInputs(params: RqvaeParams, embeddings: Embeddings, config: RqvaeConfig) {
  const { values, rows, dim } = embeddings;
  if (values.byteLength > heldBytes) {
    const { mean, scale } = params.normalisation;
    const fixed = { ...params, normalisation: { mean: tf.clone(mean), scale: tf.clone(scale) } };
    return {
      of: (items: Int32Array) => normaliseInputs(fixed, rowsOf(embeddings, items), config),
      dispose: () => tf.dispose(fixed.normalisation),
    };
  }
  const inputs = tf.tidy(() => normaliseInputs(params, tf.tensor2d(values, [rows, dim]), config)); // [N, E]
  return {
    of: (items: Int32Array) => tf.gather(inputs, tf.tensor1d(items, 'int32')),
    dispose: () => inputs.dispose(),
  };
}

/** [B, E] the embeddings of some items. */
function rowsOf({ values, dim }: Embeddings, items: Int32Array): tf.Tensor2D {
  const rows = new Float32Array(items.length * dim);
  items.forEach((item, row) => {
    rows.set(values.subarray(item * dim, (item + 1) * dim), row * dim);
  });
  return tf.tensor2d(rows, [items.length, dim]);
}

/** Moves unused codes to latents; their moments and averages start anew, and the other codes' stay. */
async function reviveCodes(
  state: FitState<RqvaeParams>,
  embeddings: Embeddings,
  config: RqvaeConfig,
  key: Key,
): Promise<void> {
  const { codebooks, ema } = state.params;
  const latents = await encodeItems(state.params, embeddings, config);
  const values = await Promise.all(codebooks.map((codebook) => codebook.data<'float32'>()));
  const dim = codebooks[0].shape[1];
  const renewed = await resetDeadCodes(latents, values, { dim, distance: config.distance, key });
  for (const [level, moved] of renewed.resets.entries()) {
    if (moved.length === 0) continue;
    const keep = new Float32Array(config.codebookSize).fill(1);
    for (const code of moved) keep[code] = 0;
    const codebook = tf.tensor2d(renewed.codebooks[level], codebooks[level].shape);
    replace(codebooks, level, codebook);
    if (ema[level]) replace(ema, level, restartAverages(ema[level], codebook, keep));
    for (const name of Object.keys(state.optimizer).filter((name) => name.endsWith(`.codebooks.${level}`))) {
      replace(
        state.optimizer,
        name,
        tf.tidy(() => tf.mul(state.optimizer[name], tf.tensor2d(keep, [keep.length, 1]))),
      );
    }
  }
}

/** Averages that give the moved codes their new vectors and stay as they are for those with keep = 1. */
function restartAverages({ counts, sums }: RqvaeParams['ema'][number], codebook: tf.Tensor2D, keep: Float32Array) {
  return tf.tidy(() => {
    const kept = tf.tensor1d(keep); // [K]
    const moved = tf.sub(1, kept);
    return {
      counts: tf.add(tf.mul(counts, kept), moved) as tf.Tensor1D,
      sums: tf.add(tf.mul(sums, tf.expandDims(kept, 1)), tf.mul(codebook, tf.expandDims(moved, 1))) as tf.Tensor2D,
    };
  });
}

function replace<K extends string | number, T extends tf.TensorContainer>(container: Record<K, T>, key: K, value: T) {
  tf.dispose(container[key]);
  container[key] = value;
}
