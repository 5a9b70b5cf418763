import { type Batch, bucketByLength, drawSubSequences, type Sequences, slidingWindowPairs } from '@codebeam/data';
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
  tokenizeTargets,
} from '@codebeam/tiger';
import { z } from 'zod';
import type { Validation } from './fit.js';
import { type TrainOptions, train } from './train.js';
import { trainingSchema } from './training-config.js';

/** TIGER's own defaults of the training knobs. */
export const tigerTrainingSchema = trainingSchema.extend({
  maxEpochs: trainingSchema.shape.maxEpochs.default(100),
  learningRate: trainingSchema.shape.learningRate.default(1e-3),
  histories: z
    .enum(['prefixes', 'sub-sequences'])
    .default('prefixes')
    .describe("what precedes a target: all of it (paper), or each epoch from another place on (GRID's sub-sequences)"),
});
type TigerTrainingConfig = z.output<typeof tigerTrainingSchema>;

export interface TrainTigerOptions
  extends Pick<TrainOptions<Tiger, unknown>, 'stateFolder' | 'logFolder' | 'callbacks'> {
  /** The training part of the split. */
  sequences: Sequences;
  /** Original user ids by dense user number; only needed with user tokens. */
  userIds?: readonly string[];
  ids: SemanticIds;
  config: TigerConfig;
  training: TigerTrainingConfig;
  /** Measures the model on the validation part; the state with the best `metric` is what comes back. */
  validation?: { metric: string; evaluate: (model: TigerModel) => Promise<{ [metric: string]: number }> };
}

/**
 * Trains TIGER on every prefix of every training sequence with the item that follows. Rajput et al. 2023, sec. 4.1.
 *
 * @returns the model, and what its validations measured
 */
export async function trainTiger(
  options: TrainTigerOptions,
): Promise<{ model: TigerModel; validations: Validation[] }> {
  const { sequences, userIds, config, training, validation, ids: allPositions, ...folders } = options;
  const ids = informativePositions(allPositions);
  const vocabulary = createVocabulary(ids, config);
  const trie = createPrefixTrie(ids);
  const pairs = slidingWindowPairs(sequences, config);
  const batches = (epoch: number) => {
    const key = foldIn(createKey(training.seed, 'shuffle'), epoch);
    const drawn = training.histories === 'prefixes' ? pairs : drawSubSequences(pairs, foldIn(key, 2));
    return bucketByLength(drawn, { batchSize: training.batchSize, key });
  };

  const { params, validations } = await train<Tiger, Batch>({
    ...folders,
    label: 'train-tiger',
    training,
    identity: { config, vocabulary },
    params: initTiger(config, vocabulary, training.seed),
    batches,
    batchesPerEpoch: batches(0).size,
    loss: (params, { histories, targets, users }, { key }) => {
      const names = userIds && Array.from(users, (user) => userIds[user]);
      const rows = tokenizeHistories(vocabulary, ids, histories, config.maxHistory, names);
      const tokens = tokenizeTargets(vocabulary, ids, targets);
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
  return { model: createTigerModel(config, ids, params), validations };
}
