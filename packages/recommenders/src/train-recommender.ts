import { tf } from '@codebeam/backend';
import { flattenParams, type Params, unflattenParams } from '@codebeam/nn';
import { createKey, foldIn, type Key } from '@codebeam/random';
import {
  type LossResult,
  type Optimizer,
  runSettings,
  type TrainingConfig,
  train,
  trainingSchema,
} from '@codebeam/trainers';
import type { z } from 'zod';
import {
  defineRecommender,
  type Facts,
  type OptionsSchema,
  type Question,
  type RecommenderModel,
  type TrainingData,
  type Weights,
} from './define-recommender.js';

/** The knobs of a training run that are a model's options; seed and folders come with the context of the fit. */
export const recommenderTrainingSchema = trainingSchema.omit(runSettings);

/** What is no option of a model. */
const decided = { seed: 0, experimentName: '', checkpointDir: '.', logDir: '.', runTest: false };

/** What a model that is trained by gradient has of its own. */
export interface TrainedDefinition<C extends object, P extends Params, B> {
  name: string;
  options: OptionsSchema<C>;
  /** `recommenderTrainingSchema`, with other defaults where the model needs them. */
  training: z.ZodType<z.output<typeof recommenderTrainingSchema>>;
  init(options: C & TrainingConfig, data: TrainingData, seed: number): P;
  /** An epoch's batches, a function of the epoch's key. */
  batches(data: TrainingData, options: C & TrainingConfig & { key: Key }): Iterable<B> & { readonly size: number };
  /** With `updates` of what is carried on, where the model carries anything on. */
  loss(params: P, batch: B, options: C, key: Key): tf.Scalar | LossResult;
  /** The branch of the parameters that goes on from step to step but is neither learnt nor a part of the fitted model. */
  carried?: string;
  /** Parameters of the fitted model that nothing but `updates` moves, by flat name: running averages. */
  averaged?(name: string): boolean;
  /** Rows of tables that a batch is about, where it is not about all of them. */
  rows?(batch: B): { readonly [name: string]: Int32Array };
  /** The one that the training options name when left out. */
  optimizer?(options: C & TrainingConfig): Optimizer;
  /** Called once for a fitted or loaded model; what it returns scores all items [B, N], in a tidy. */
  scorer(params: P, options: C, facts: Facts): (question: Question) => tf.Tensor2D;
}

/** A model that is trained by gradient, in the loop that all of them share. */
export function defineTrainedRecommender<C extends object, P extends Params, B>(
  definition: TrainedDefinition<C, P, B>,
): RecommenderModel<C & { training: z.output<typeof recommenderTrainingSchema> }> {
  const { name: model, options, training, init, batches, loss, carried, averaged, rows, optimizer } = definition;
  const isLearnt = (name: string) => carried === undefined || !name.startsWith(`${carried}.`);
  type Options = C & { training: z.output<typeof recommenderTrainingSchema> };
  return defineRecommender<Options, Weights>({
    name: model,
    options: options.extend({ training: training.prefault({}) }) as unknown as OptionsSchema<Options>,
    stepsPerEpoch(data, { training, ...rest }) {
      const all = { ...(rest as unknown as C), ...training, ...decided, key: createKey(0, 'shuffle') };
      return Math.ceil(batches(data, all).size / training.accumulate);
    },
    async fit(data, { training, ...rest }, context) {
      const config = rest as unknown as C;
      const { itemIds: _, userIds: __, ...learnt } = data; // names change nothing
      const { seed, label = model, stateFolder, logFolder, validation } = context;
      const plan: TrainingConfig = { ...training, ...decided, seed, experimentName: label };
      const shuffleKey = createKey(seed, 'shuffle');
      const all = { ...config, ...plan };
      const epoch = (number: number) => batches(data, { ...all, key: foldIn(shuffleKey, number) });
      const trained = await train<P, B>({
        label,
        training: plan,
        identity: { [model]: config, ...learnt },
        params: init(all, data, seed),
        batches: epoch,
        batchesPerEpoch: epoch(0).size,
        loss(params, batch, { key }) {
          const result = loss(params, batch, config, key);
          return result instanceof tf.Tensor ? { loss: result } : result;
        },
        trainable: (name) => isLearnt(name) && !averaged?.(name),
        ...(rows && { rows }),
        ...(optimizer && { optimizer: optimizer(all) }),
        ...(stateFolder && { stateFolder }),
        ...(logFolder && { logFolder }),
        ...(validation && {
          validation: {
            metric: validation.metric,
            mode: validation.mode ?? 'max',
            async evaluate(params: P) {
              const weights = await toWeights(params, isLearnt);
              tf.engine().startScope(); // what the recommender of this one validation holds
              return validation.evaluate(context.recommender(weights)).finally(() => tf.engine().endScope());
            },
          },
        }),
      });
      const weights = await toWeights(trained.params, isLearnt);
      tf.dispose([flattenParams(trained.params), trained.optimizer]);
      return weights;
    },
    scorer(weights, { training: _, ...rest }, facts) {
      const scores = definition.scorer(toParams<P>(weights), rest as unknown as C, facts);
      return async (question) => {
        const result = tf.tidy(() => scores(question)); // [B, N]
        const values = await result.data<'float32'>();
        result.dispose();
        return values;
      };
    },
  });
}

function toParams<P extends Params>(weights: Weights): P {
  const flat = Object.entries(weights).map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]);
  return unflattenParams(Object.fromEntries(flat)) as P;
}

async function toWeights(params: Params, isLearnt: (name: string) => boolean): Promise<Weights> {
  const learnt = Object.entries(flattenParams(params)).filter(([name]) => isLearnt(name));
  const entries = learnt.map(async ([name, tensor]) => {
    return [name, { shape: tensor.shape, values: await tensor.data<'float32'>() }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
