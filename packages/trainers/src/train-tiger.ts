import { tf } from '@codebeam/backend';
import {
  type Batch,
  bucketByLength,
  drawSubSequences,
  type Sequences,
  sequenceBatches,
  slidingWindowPairs,
} from '@codebeam/data';
import { createKey, foldIn } from '@codebeam/random';
import type { SemanticIds } from '@codebeam/rqvae';
import {
  continuationMask,
  createPrefixTrie,
  createTigerModel,
  createVocabulary,
  informativePositions,
  initTiger,
  type Tiger,
  type TigerConfig,
  type TigerModel,
  tigerLoss,
  tokenizeHistories,
  tokenizeItems,
} from '@codebeam/tiger';
import { z } from 'zod';
import type { Validation } from './fit.js';
import { drawTargets, type Teacher } from './teacher.js';
import { type TrainOptions, train } from './train.js';
import { trainingSchema } from './training-config.js';

/** Of a step's draws: no dropout layer comes this far. */
const teacherSite = 2 ** 31 - 1;

/** TIGER's own defaults of the training knobs. */
export const tigerTrainingSchema = trainingSchema.extend({
  maxEpochs: trainingSchema.shape.maxEpochs.default(100),
  learningRate: trainingSchema.shape.learningRate.default(1e-3),
  histories: z
    .enum(['prefixes', 'sub-sequences'])
    .default('prefixes')
    .describe("what precedes a target: all of it (paper), or each epoch from another place on (GRID's sub-sequences)"),
  teacherShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      "share of the targets that are drawn from a teacher's recommendations; the rest are what followed (paper: 0)",
    ),
});
type TigerTrainingConfig = z.output<typeof tigerTrainingSchema>;

/** Why a model cannot be trained on histories of that kind; nothing where it can. */
export function historiesContradiction(
  { encoderReads }: Pick<TigerConfig, 'encoderReads'>,
  { histories }: Pick<TigerTrainingConfig, 'histories'>,
): string | undefined {
  if (encoderReads !== 'items' || histories === 'prefixes') return undefined;
  return `histories must be prefixes where tiger.encoderReads is items, got ${histories}; every item's history is trained in one pass`;
}

export interface TrainTigerOptions
  extends Pick<TrainOptions<Tiger, unknown>, 'stateFolder' | 'logFolder' | 'callbacks'> {
  /** The training part of the split. */
  sequences: Sequences;
  /** Original user ids by dense user number; only needed with user tokens. */
  userIds?: readonly string[];
  ids: SemanticIds;
  /** Whose recommendations are learnt as well; needed where `teacherShare` is not 0. */
  teacher?: Teacher | undefined;
  config: TigerConfig;
  training: TigerTrainingConfig;
  /** Measures the model on the validation part; the state with the best `metric` is what comes back. */
  validation?: { metric: string; evaluate: (model: TigerModel) => Promise<{ [metric: string]: number }> };
}

/**
 * Trains TIGER on every prefix of every training sequence with the item that follows. Rajput et al. 2023, sec. 4.1. Where the encoder
 * reads items, a batch is `batchSize` users, each with the prefixes that end among the latest `maxHistory` items before the last one: what a
 * longer user did before these is never a target.
 *
 * @returns the model, and what its validations measured
 * @throws RangeError when sub-sequences are asked for of an encoder that reads items, or a teacher's share without a teacher
 */
export async function trainTiger(
  options: TrainTigerOptions,
): Promise<{ model: TigerModel; validations: Validation[] }> {
  const { sequences, userIds, teacher, config, training, validation, ids: allPositions, ...folders } = options;
  const { batchSize, histories, teacherShare, seed } = training;
  if (teacherShare > 0 && !teacher) {
    throw new RangeError(`trainers: teacherShare must be 0 without a teacher, got ${teacherShare}; pass one`);
  }
  const readsItems = config.encoderReads === 'items';
  const contradiction = historiesContradiction(config, training);
  if (contradiction) throw new RangeError(`trainers: ${contradiction}`);
  const ids = informativePositions(allPositions);
  const vocabulary = createVocabulary(ids, config);
  const trie = createPrefixTrie(ids);
  const pairs = slidingWindowPairs(sequences, config);
  const batches = (epoch: number) => {
    const key = foldIn(createKey(seed, 'shuffle'), epoch);
    if (readsItems) return sequenceBatches(sequences, { ...config, batchSize, key });
    const drawn = histories === 'prefixes' ? pairs : drawSubSequences(pairs, foldIn(key, 2));
    return bucketByLength(drawn, { batchSize, key });
  };

  const { params, optimizer, validations } = await train<Tiger, Batch>({
    ...folders,
    label: 'train-tiger',
    training,
    identity: { config, sequences, ids, teacher, userIds: config.userTokens > 0 ? userIds : undefined },
    params: initTiger(config, vocabulary, seed),
    batches,
    batchesPerEpoch: batches(0).size,
    loss: (params, batch, { key }) => {
      const names = userIds && Array.from(batch.users, (user) => userIds[user]);
      const rows = tokenizeHistories(vocabulary, ids, batch.histories, config, names);
      const targets = teacher ? drawTargets(batch, teacher, teacherShare, foldIn(key, teacherSite)) : batch.targets;
      const tokens = tokenizeItems(vocabulary, ids, targets);
      const mask = config.constrainedSoftmax ? continuationMask(vocabulary, trie, targets) : undefined;
      return { loss: tigerLoss(params, rows, tokens, config, key, mask) };
    },
    ...(validation && {
      validation: {
        metric: validation.metric,
        mode: 'max',
        evaluate: (params: Tiger) => validation.evaluate(createTigerModel(config, ids, params)),
      },
    }),
  });
  tf.dispose(optimizer);
  return { model: createTigerModel(config, ids, params), validations };
}
