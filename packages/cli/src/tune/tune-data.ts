import { resolve } from 'node:path';
import {
  alignItems,
  collectInteractions,
  collectPresplit,
  featureMatrix,
  filterInteractions,
  firstTimes,
  type InteractionSplit,
  type Interactions,
  itemFeatures,
  numberById,
  orderByTime,
  type RawInteraction,
  readMappedItems,
  readRankingRows,
  type SparseMatrix,
  type Split,
  splitInteractions,
} from '@codebeam/data';
import { type Judgement, judgementOf } from '@codebeam/eval';
import type { TrainingData } from '@codebeam/recommenders';
import type { TuneConfig } from './tune-config.js';

export interface TuneData {
  split: InteractionSplit;
  /** [N, F] where the config names a file of items. */
  features?: SparseMatrix;
  /** What the caller should know of the files. */
  notes: string[];
}

/**
 * Reads what a config names, cleans and splits it. Users and items are numbered by their ids, so that equal scores rank as `codebeam
 * evaluate` ranks them.
 *
 * @param folder  that the config's paths start from
 */
export async function loadTuneData(config: TuneConfig, folder: string): Promise<TuneData> {
  const { data, filters, split, search } = config;
  const notes: string[] = [];
  const read = (path: string) =>
    readInteractions(resolve(folder, path), data.timestampUnit, notes, split && splitByTime(split));
  const divided =
    data.interactions === undefined
      ? splitInteractions(
          numberById(
            await collectPresplit({
              train: read(data.train!),
              validation: read(data.validation!),
              test: read(data.test!),
            }),
          ),
          { type: 'given', unseen: 'keep' },
          search.seed,
        )
      : splitInteractions(
          numberById(filterInteractions(await collectInteractions(read(data.interactions)), filters)),
          split!,
          search.seed,
        );
  if (divided.validation.users.length === 0 && divided.folds.length === 0) {
    throw new Error('cli: split must leave rows for validation, got none; hold out more');
  }
  const empty = divided.folds.findIndex(({ validation }) => validation.users.length === 0);
  if (empty >= 0) {
    throw new Error(
      `cli: each of ${divided.folds.length} folds must have rows to validate on, got none in fold ${empty}; ask for fewer folds`,
    );
  }
  const { itemIds } = divided.train;
  if (data.items === undefined) return { split: divided, notes };
  const { file, ...map } = data.items;
  const items = await alignItems(readMappedItems(resolve(folder, file), map), itemIds);
  const { matrix } = featureMatrix(itemFeatures(items), ['brand', 'categories'], itemIds);
  return { split: divided, features: matrix, notes };
}

async function* readInteractions(
  path: string,
  timestampUnit: 'seconds' | 'milliseconds',
  notes: string[],
  timeSplit?: string,
): AsyncGenerator<RawInteraction> {
  const rows = await readRankingRows(path, ['rating', 'timestamp'], 'rating', timestampUnit);
  const { rating, timestamp } = rows.numbers;
  notes.push(...rows.notes);
  if (!timestamp && timeSplit !== undefined) {
    throw new RangeError(
      `cli: ${path} must have a column of times for the split ${timeSplit}, which orders users against each other, got none; add one, or split by user`,
    );
  }
  if (!timestamp) notes.push(`${path} has no times: a user's rows are taken to be in order`);
  for (const [row, user] of rows.users.entries()) {
    const rated = rating !== undefined && Number.isFinite(rating[row]) ? { rating: rating[row] } : {};
    yield { user, item: rows.items[row], timestamp: timestamp?.[row] ?? 0, ...rated };
  }
}

/** The type of a split, or of its validation, that compares the times of different users. */
function splitByTime(split: Split): string | undefined {
  const types: string[] = [
    split.type,
    ...('validation' in split && typeof split.validation === 'object' ? [split.validation.type] : []),
  ];
  if (split.type === 'ratios')
    return split.of === 'all' && split.order === 'time' ? 'ratios of all by time' : undefined;
  return types.find((type) => ['timestamp', 'last-days', 'latest-sessions', 'session-ratio'].includes(type));
}

/** A part as models take it. */
export function trainingDataOf(
  part: Interactions,
  fittedOn: TrainingData['fittedOn'],
  { features }: Pick<TuneData, 'features'>,
): TrainingData {
  const { ratings, ...sequences } = orderByTime(part);
  const { itemIds, userIds } = part;
  return {
    sequences,
    numItems: itemIds.length,
    itemIds,
    userIds,
    fittedOn,
    firstTimes: firstTimes(part),
    ...(features && { itemFeatures: features }),
    ...(ratings && { ratings }),
  };
}

/** How a recommender that knows `known` is measured in the search: areas, which need whole lists, only if the search goes by one. */
export function validationJudgement(known: Interactions, heldOut: Interactions, config: TuneConfig): Judgement {
  const { metric, seed } = config.search;
  const judgement = judgementOf(known, heldOut, config.evaluation, seed);
  const { conventions } = judgement;
  const metrics = conventions.metrics.filter((one) => (one !== 'auc' && one !== 'gauc') || one === metric);
  return { ...judgement, conventions: { ...conventions, metrics } };
}
