import type { Recommender } from '@codebeam/eval';
import {
  type EstimateOptions,
  estimateTraining,
  exampleValues,
  type Hyperparameters,
  nestOptions,
  type Objective,
  type SearchSpace,
  searchSpaceSchema,
  type TrainingEstimate,
} from '@codebeam/trainers';
import { z } from 'zod';
import type { FitContext, RecommenderModel, TrainingData } from './define-recommender.js';
import type { recommenderTrainingSchema } from './train-recommender.js';

/**
 * What a search of a model's options tries: a trial's values are the options, `training.learningRate` and the like for nested ones.
 * A model that is trained in steps reports each of its validations, and can be stopped there; its resource is their number. Any other
 * is measured once, at resource 1. A trial that was killed begins anew, for a validation does not know its number after a restart.
 *
 * @param options.metric    of those that `evaluate` returns; the one that the study goes by
 * @param options.mode      whether more of it is better, as when left out, or less
 * @param options.evaluate  measures a recommender on the validation part
 */
export function searchObjective(options: {
  model: RecommenderModel;
  data: TrainingData;
  metric: string;
  mode?: 'max' | 'min';
  evaluate: (recommender: Recommender) => Promise<Record<string, number>>;
  /** Path of a file that options name. */
  pathOf?: (file: string) => string;
}): Objective {
  const { model, data, metric, mode = 'max', evaluate, pathOf } = options;
  return async ({ number, values, seed, folder }, report) => {
    let resource = 0;
    const measure = async (recommender: Recommender) => {
      const metrics = await evaluate(recommender);
      await report({ resource: ++resource, metrics });
      return metrics;
    };
    const label = `${model.name}-${number}`;
    const validation: NonNullable<FitContext['validation']> = { metric, mode, evaluate: measure };
    const context = { seed, label, logFolder: folder, validation, ...(pathOf && { pathOf }) };
    const recommender = await model.fit(data, nestOptions(values), context);
    if (resource === 0) await measure(recommender);
  };
}

/**
 * The schema of a model's search spaces: its options' keys, each with a value, a list or a distribution. Unknown keys are errors, and so
 * are values that the model would refuse, by examples where there are infinitely many.
 */
export function searchSpaceOf({ options }: RecommenderModel): z.ZodType<SearchSpace> {
  const keys = keysOf(options) as unknown as typeof searchSpaceSchema.in;
  return keys.pipe(searchSpaceSchema).check(({ value: space, issues }) => {
    for (const [key, domain] of Object.entries(space)) {
      const path = key.split('.');
      const option = optionAt(options, path);
      for (const value of exampleValues(domain)) {
        const refused = option.safeParse(value).error?.issues[0];
        if (!refused) continue;
        const isOneValue = domain.kind === 'choice' && option.safeParse(domain.values).success;
        const hint = isOneValue ? `; for one value that is a list write ${JSON.stringify([domain.values])}` : '';
        const message = `${key} of ${JSON.stringify(value)} is refused: ${refused.message}${hint}`;
        issues.push({ code: 'custom', path, message, input: space });
        break;
      }
    }
    if (issues.length > 0) return;
    const examples = Object.entries(space).map(([key, domain]) => [key, exampleValues(domain)[0]] as const);
    const refused = options.safeParse(nestOptions(Object.fromEntries(examples))).error?.issues ?? [];
    for (const { path, message } of refused) {
      // What options refuse together is for the trials to find out.
      if (space[path.join('.')] === undefined) issues.push({ code: 'custom', path, message, input: undefined });
    }
  });
}

/** The same keys, all of which may be left out and have any value. */
function keysOf(options: z.ZodObject): z.ZodType {
  const entries = Object.entries(options.shape).map(([key, schema]) => {
    const inner = unwrap(schema);
    return [key, inner instanceof z.ZodObject ? keysOf(inner) : z.unknown()] as const;
  });
  return z.strictObject(Object.fromEntries(entries)).partial();
}

function optionAt(options: z.ZodObject, [key, ...rest]: readonly string[]): z.ZodType {
  const option = options.shape[key] as z.ZodType;
  return rest.length === 0 ? option : optionAt(unwrap(option) as z.ZodObject, rest);
}

/** What stands below defaults. */
function unwrap(schema: unknown): unknown {
  const hasDefault =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return hasDefault ? unwrap(schema.unwrap()) : schema;
}

type TrainingOptions = z.output<typeof recommenderTrainingSchema>;

/**
 * The options for a last fit on more data, where nothing is left to validate on: a model that is trained in steps is trained for as long
 * as it was at its best validation. A learning rate that falls to the end of the run falls to the end of this one.
 *
 * @param resource  the validation that was best, from 1
 */
export function refitOptions(model: RecommenderModel, values: Hyperparameters, resource: number): object {
  const options = nestOptions(values);
  if (!model.stepsPerEpoch) return options;
  const { training } = model.options.parse(options) as { training: TrainingOptions };
  const { validationInterval, validationUnit, maxEpochs, maxSteps } = training;
  const length = resource * validationInterval;
  const least = (limit: number) => (limit > 0 ? Math.min(limit, length) : length); // the last validation may come early
  const until = validationUnit === 'epoch' ? { maxEpochs: least(maxEpochs) } : { maxSteps: least(maxSteps) };
  return { ...options, training: { ...training, ...until } };
}

/** What a fit needs, as far as that can be told before it begins. */
export interface FitEstimate extends Partial<TrainingEstimate> {
  /** What the model takes by its formulas, data and process aside. */
  estimatedBytes?: number;
  /** Steps after which the fit ends if nothing stops it before. */
  steps?: number;
}

/**
 * Estimates a fit: a model that is trained in steps is trained for a few, with a constant learning rate and without validations; any
 * other is asked for the size of what it computes.
 */
export async function estimateFit(
  model: RecommenderModel,
  data: TrainingData,
  values: Hyperparameters,
  probes?: EstimateOptions['probes'],
): Promise<FitEstimate> {
  const estimatedBytes = model.estimateBytes?.(data);
  const size = estimatedBytes === undefined ? {} : { estimatedBytes };
  if (!model.stepsPerEpoch) return size;
  const options = nestOptions(values);
  const stepsPerEpoch = model.stepsPerEpoch(data, options);
  const { training } = model.options.parse(options) as { training: TrainingOptions };
  const { maxEpochs, maxSteps } = training;
  const probe = { ...training, schedule: undefined, progressBar: false, maxEpochs: 0 };
  const run = (steps: number) => model.fit(data, { ...options, training: { ...probe, maxSteps: steps } });
  const measured = await estimateTraining(run, { stepsPerEpoch, ...(probes && { probes }) });
  const steps = Math.min(maxSteps || Infinity, (maxEpochs || Infinity) * stepsPerEpoch);
  return { ...size, ...measured, steps };
}
