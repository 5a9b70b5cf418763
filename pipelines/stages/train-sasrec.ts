import { dirname, join } from 'node:path';
import { leaveOneOut } from '@codebeam/data';
import { evaluate, meanMetrics } from '@codebeam/eval';
import { sasrec } from '@codebeam/recommenders';
import { readDataset } from '../dataset-tables.js';
import type { StageContext } from '../stage.js';
import { readTrainingMetrics, writeTrainingMetrics } from '../training-metrics.js';

/** Sequences -> SASRec as it was at its best validation, saved as every recommender is. */
export async function trainSasrec(context: StageContext<'sasrec' | 'train-sasrec'>): Promise<Record<string, number>> {
  const { config, input, output, logs, state } = context;
  const { 'train-sasrec': training, seed } = config;
  const { sequences, interactions } = await readDataset((file) => input('prepare-data', file));
  const { train, validation } = leaveOneOut(sequences);
  const { itemIds, userIds } = interactions;
  const numItems = itemIds.length;

  const recommender = await sasrec.fit(
    { sequences: train, numItems, itemIds, userIds, fittedOn: 'train' },
    { ...config.sasrec, training },
    {
      seed,
      label: 'train-sasrec',
      stateFolder: state,
      logFolder: dirname(logs),
      validation: {
        metric: 'ndcg@10',
        evaluate: async (recommender) =>
          meanMetrics(
            await evaluate(recommender, validation, { ks: [10], maskHistory: true, numItems, batchSize: 1024 }),
          ),
      },
    },
  );
  await recommender.save(dirname(output('config.json')));
  await writeTrainingMetrics(join(logs, training.version ?? '', 'metrics.jsonl'), output('metrics.jsonl'));
  const metrics = await readTrainingMetrics(output('metrics.jsonl'));
  return { validationUsers: validation.length, steps: metrics.at(-1)?.step ?? 0 };
}
