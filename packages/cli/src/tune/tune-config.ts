import { dirname } from 'node:path';
import { filterSchema, itemMapSchema, nearestWord, readConfig, splitSchema } from '@codebeam/data';
import { judgedMetrics, judgementSchema } from '@codebeam/eval';
import { recommenderModels, searchSpaceOf } from '@codebeam/recommenders';
import { type SearchSpace, searchPlan, searchSchema } from '@codebeam/trainers/search';
import { z } from 'zod';
import { readConfigText } from '../read-config-text.js';

const file = z.string().min(1).describe("from the config's folder, plain or gzip");

const dataSchema = z.strictObject({
  interactions: file.optional().describe('all rows, which filters and split see to'),
  train: file.optional().describe('with validation and test, in place of interactions: parts that were split before'),
  validation: file.optional(),
  test: file.optional(),
  items: itemMapSchema.extend({ file }).optional().describe('for models that look at what items are'),
  timestampUnit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .describe('of numbers; ISO dates are read as such'),
});

/** Which keys name files. */
export const parts = ['train', 'validation', 'test'] as const;

const modelsSchema = z
  .strictObject(
    Object.fromEntries(Object.values(recommenderModels).map((model) => [model.name, searchSpaceOf(model).optional()])),
  )
  .refine((models) => Object.keys(models).length > 0, { error: 'expected one model at least, with its options' });

/** One search. Unknown keys are errors; defaults stand in the schemas only. */
export const tuneSchema = z.strictObject({
  data: dataSchema,
  filters: z.array(filterSchema).default([]).describe('cleaning, from first to last'),
  split: splitSchema.optional().describe('with a validation part, which may be k-fold'),
  models: modelsSchema.describe('options by model: lists are searched, and [uniform, 1, 500] and the like'),
  evaluation: judgementSchema.prefault({}),
  search: searchSchema.omit({ space: true }).prefault({}),
  output: z.string().min(1).describe("folder of what is found, from the config's"),
  trackers: z
    .strictObject({
      mlflow: z
        .strictObject({
          trackingUri: z.url().describe('of the server; a token is read from MLFLOW_TRACKING_TOKEN'),
          experiment: z.string().min(1).default('codebeam'),
          tags: z.record(z.string(), z.string()).default({}),
        })
        .optional(),
    })
    .prefault({}),
});
export type TuneConfig = z.output<typeof tuneSchema>;

/**
 * Reads a config and checks all that can be checked without the data.
 *
 * @returns the config, and the folder that its paths start from
 * @throws RangeError naming what is unknown, wrong or does not go together
 */
export async function loadTuneConfig(path: string): Promise<{ config: TuneConfig; folder: string }> {
  const text = await readConfigText(path);
  if (/^data_split:/m.test(text)) {
    throw new RangeError(
      `cli: --config must be a search, got the options of one GRU4Rec in ${path}; read those with loadGru4recConfig of @codebeam/recommenders`,
    );
  }
  const config = readConfig('cli', tuneSchema, path, text);
  checkData(config);
  checkMetric(config);
  checkSchedulers(config);
  for (const [name, space] of spacesOf(config)) {
    try {
      planOf(config, space);
    } catch (error) {
      const reason = (error as Error).message.replace(/^trainers: /, '');
      throw new RangeError(`cli: search of ${name} must make sense, got: ${reason}`, { cause: error });
    }
  }
  return { config, folder: dirname(path) };
}

/** What is searched, by model. */
export function spacesOf({ models }: Pick<TuneConfig, 'models'>): [model: string, space: SearchSpace][] {
  return Object.entries(models) as [string, SearchSpace][];
}

/** What `runStudy` is told about a model. */
export function planOf({ search }: TuneConfig, space: SearchSpace) {
  return searchPlan({ ...search, space });
}

function checkData({ data, split, filters }: TuneConfig): void {
  const given = parts.filter((part) => data[part] !== undefined);
  if (data.interactions !== undefined ? given.length > 0 : given.length < parts.length) {
    const named = [...(data.interactions === undefined ? [] : ['interactions']), ...given];
    throw new RangeError(
      `cli: data must name either interactions or all of ${parts.join(', ')}, got ${named.join(', ') || 'none'}; leave out or add files`,
    );
  }
  if (data.interactions === undefined) {
    const extra = split ? 'split' : filters.length > 0 ? 'filters' : undefined;
    if (extra === undefined) return;
    throw new RangeError(
      `cli: ${extra} must be left out where data has parts, got both; give interactions to have them ${split ? 'split' : 'filtered'}`,
    );
  }
  const hasValidation =
    split &&
    (split.type === 'ratios'
      ? split.ratios[1] > 0
      : split.type === 'session-ratio'
        ? split.validation > 0
        : split.validation !== undefined);
  if (hasValidation) return;
  throw new RangeError(
    `cli: split must have a validation part, got ${split ? `${split.type} without` : 'no split'}; add for example split: { type: temporal-holdout, ratio: 0.1, validation: { type: temporal-holdout, ratio: 0.1 } }`,
  );
}

function checkMetric({ evaluation, search: { metric } }: TuneConfig): void {
  const known = judgedMetrics(evaluation);
  if (known.includes(metric)) return;
  throw new RangeError(
    `cli: search.metric must be a metric of the preset ${evaluation.preset} at a cut-off of evaluation.ks (${evaluation.ks}), got ${metric}; the nearest is ${nearestWord(known, metric)}`,
  );
}

/** What stops trials needs trials that report more than once. */
function checkSchedulers({ split, models, search }: TuneConfig): void {
  const stopping = search.scheduler === 'asha' ? 'scheduler' : search.earlyStopping.patience > 0 ? 'earlyStopping' : '';
  if (stopping === '') return;
  if (split && foldsOf({ split }) > 0) {
    throw new RangeError(
      `cli: search.${stopping} must be left out under k-fold validation, got both; a trial reports its folds once, when it is over`,
    );
  }
  const names = Object.keys(models);
  if (names.some((name) => recommenderModels[name].stepsPerEpoch)) return;
  throw new RangeError(
    `cli: search.${stopping} must be left out where no model is trained in steps, got ${names.join(', ')}; such a trial reports once, when it is over`,
  );
}

/** k of a k-fold validation; 0 where the split has a validation part. */
export function foldsOf({ split }: Pick<TuneConfig, 'split'>): number {
  return split && 'validation' in split && typeof split.validation === 'object' && split.validation.type === 'k-fold'
    ? split.validation.folds
    : 0;
}
