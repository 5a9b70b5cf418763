import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { featureMatrix, firstTimes, itemFeatures, orderByTime, splitInteractions } from '@codebeam/data';
import { judgeLists, judgementOf, mainMetric } from '@codebeam/eval';
import { recommenderModels } from '@codebeam/recommenders';
import { nameOf } from '../config.js';
import { readDataset } from '../dataset-tables.js';
import { findSource } from '../raw-source.js';
import type { StageContext } from '../stage.js';

type Context = StageContext<'fetch-data' | 'protocol' | 'recommenders'>;

/** interactions.parquet -> a folder for each recommender, fitted to the training part and chosen on the validation part. */
export async function fitRecommenders(context: Context): Promise<Record<string, number>> {
  const { config, input, output, state, logs, log } = context;
  const { interactions, items } = await readDataset((file) => input('prepare-data', file));
  const { train, validation } = splitInteractions(interactions, config.protocol.split, config.seed);
  const { ratings, ...sequences } = orderByTime(train);
  const { itemIds, userIds } = train;
  const numItems = itemIds.length;
  const begun = firstTimes(train);
  const features = featureMatrix(itemFeatures(items), ['brand', 'categories'], itemIds).matrix; // [N, F]
  const judged = validation.users.length > 0 ? judgementOf(train, validation, config.protocol, config.seed) : undefined;
  const pathOf = await rawFiles(context);
  for (const entry of config.recommenders) {
    const { model, name: _, ...options } = entry;
    const name = nameOf(entry);
    const started = performance.now();
    const recommender = await recommenderModels[model].fit(
      {
        sequences,
        numItems,
        itemIds,
        userIds,
        fittedOn: 'train',
        firstTimes: begun,
        itemFeatures: features,
        ...(ratings && { ratings }),
      },
      options,
      {
        seed: config.seed,
        name,
        label: name,
        stateFolder: join(state, name),
        logFolder: dirname(logs),
        pathOf,
        ...(judged && {
          validation: {
            metric: mainMetric(judged),
            evaluate: async (one) => toldBy((await judgeLists(one, judged)).overall),
          },
        }),
      },
    );
    const folder = output(name);
    await mkdir(folder, { recursive: true });
    await recommender.save(folder);
    log(`${name}: fitted in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  return {
    recommenders: config.recommenders.length,
    trainingInteractions: train.users.length,
    validationInteractions: validation.users.length,
  };
}

/** Metrics but for those that the data say nothing of: rating errors, where there are no ratings. */
function toldBy(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}

/**
 * Where a file of recommendations lies, by the name that the config gives it: those that fetch-data has hashed, and no others, so that a
 * change of one is seen.
 */
async function rawFiles(context: Context): Promise<(file: string) => string> {
  const source = await findSource(context);
  const found = source?.layout.recommendations ?? [];
  return (file) => {
    const name = [file, `${file}.gz`, file.replace(/\.gz$/, '')].find((one) => found.includes(one));
    if (source && name !== undefined) return join(source.folder, name);
    throw new RangeError(
      `pipelines: file of a proxy must be among the recommendations of a layout of fetch-data, got ${file}; add it there`,
    );
  };
}
