import { readFile } from 'node:fs/promises';
import { type InteractionMap, readConfig, type Split } from '@codebeam/data';
import { z } from 'zod';
import { type Gru4recConfig, gru4recSchema, gru4recTrainingSchema } from './gru4rec.js';

const { shape: model } = gru4recSchema;
const { shape: training } = gru4recTrainingSchema;
const fraction = z.number().min(0).lt(1).default(0.1);

/** The configuration of GRU4Rec's PyTorch implementation, under its own names. Unknown keys are errors naming them. */
export const gru4recFileSchema = z.strictObject({
  model: z
    .strictObject({
      layers: model.layers,
      loss: model.loss,
      batch_size: training.batchSize,
      dropout_p_embed: model.embeddingDropout,
      dropout_p_hidden: model.hiddenDropout,
      learning_rate: training.learningRate,
      momentum: model.momentum,
      sample_alpha: model.sampleAlpha,
      n_sample: model.numSamples,
      embedding: model.embedding,
      constrained_embedding: model.constrainedEmbedding,
      n_epochs: training.maxEpochs,
      bpreg: model.bpreg,
      elu_param: model.eluParam,
      logq: model.logq,
      device: z
        .string()
        .regex(/^(cpu|cuda(:\d+)?)$/, 'must be cpu, cuda or cuda:N')
        .default('cpu'),
    })
    .prefault({}),
  data: z
    .strictObject({
      session_key: z.string().min(1).default('SessionId'),
      item_key: z.string().min(1).default('ItemId'),
      time_key: z.string().min(1).default('Time'),
    })
    .prefault({}),
  data_split: z.strictObject({ valid_fraction: fraction, test_fraction: fraction }).prefault({}),
  training: z
    .strictObject({
      sample_cache_max_size: model.sampleCacheMaxSize,
      compatibility_mode: z.boolean().default(true),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      cutoff: z.array(z.int().positive()).min(1).default([20]),
      batch_size: z.int().positive().default(512),
      mode: z.enum(['standard', 'conservative', 'median']).default('conservative'),
    })
    .prefault({}),
  paths: z
    .strictObject({ model_save: z.string().min(1), model_load: z.string().min(1) })
    .partial()
    .prefault({}),
});

/** What such a configuration means here. */
export interface Gru4recFile {
  /** For `gru4rec.fit`. */
  options: Gru4recConfig & { training: z.input<typeof gru4recTrainingSchema> };
  /** For `selectBackend`; the fastest there is when left out, as for `cpu`. */
  backend?: 'tensorflow';
  /** For `readMappedInteractions`. */
  columns: InteractionMap['columns'];
  /** For `splitInteractions`. */
  split: Extract<Split, { type: 'session-ratio' }>;
  /** Every next event of a session is a case, averages are over cases, nothing is masked. `ties` says how equal scores are ranked. */
  evaluation: { cutoffs: number[]; batchSize: number; ties: 'standard' | 'conservative' | 'median' };
  paths: { save?: string; load?: string };
}

/**
 * Reads a YAML file of GRU4Rec as it is.
 *
 * @throws RangeError naming the file and each key that is unknown or out of its range
 */
export async function loadGru4recConfig(path: string): Promise<Gru4recFile> {
  const config = readConfig('gru4rec', gru4recFileSchema, path, await readFile(path, 'utf8'));
  const { model, data, data_split, training, evaluation, paths } = config;
  return {
    options: {
      layers: model.layers,
      loss: model.loss,
      embeddingDropout: model.dropout_p_embed,
      hiddenDropout: model.dropout_p_hidden,
      momentum: model.momentum,
      numSamples: model.n_sample,
      sampleAlpha: model.sample_alpha,
      sampleCacheMaxSize: training.sample_cache_max_size,
      constrainedEmbedding: model.constrained_embedding,
      embedding: model.embedding,
      bpreg: model.bpreg,
      eluParam: model.elu_param,
      logq: model.logq,
      compatibilityMode: training.compatibility_mode,
      training: { batchSize: model.batch_size, learningRate: model.learning_rate, maxEpochs: model.n_epochs },
    },
    ...(model.device !== 'cpu' && { backend: 'tensorflow' }),
    columns: { user: data.session_key, item: data.item_key, timestamp: data.time_key },
    split: {
      type: 'session-ratio',
      validation: data_split.valid_fraction,
      test: data_split.test_fraction,
      unseen: 'drop-items',
    },
    evaluation: { cutoffs: evaluation.cutoff, batchSize: evaluation.batch_size, ties: evaluation.mode },
    paths: { ...(paths.model_save && { save: paths.model_save }), ...(paths.model_load && { load: paths.model_load }) },
  };
}
