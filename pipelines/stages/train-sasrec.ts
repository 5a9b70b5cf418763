import { dirname, join } from 'node:path';
import { leaveOneOut, writeFileAtomically } from '@codebeam/data';
import { evaluate, meanMetrics } from '@codebeam/eval';
import { countParams } from '@codebeam/nn';
import * as recommenders from '@codebeam/recommenders';
import { saveParams } from '@codebeam/trainers';
import { readDataset } from '../dataset-tables.js';
import type { StageContext } from '../stage.js';
import { writeTrainingMetrics } from '../training-metrics.js';

/** Sequences -> model.safetensors: SASRec as it was at its best validation. */
export async function trainSasrec(context: StageContext<'sasrec' | 'train-sasrec'>): Promise<Record<string, number>> {
  const { config, input, output, logs, state } = context;
  const { sasrec, 'train-sasrec': training, seed } = config;
  const { sequences, items } = await readDataset((file) => input('prepare-data', file));
  const { train, validation } = leaveOneOut(sequences);
  const numItems = items.length;

  const { model, validations } = await recommenders.trainSasrec({
    sequences: train,
    numItems,
    config: sasrec,
    training: { ...training, seed, experimentName: 'train-sasrec', checkpointDir: '.', logDir: '.', runTest: false },
    stateFolder: state,
    logFolder: dirname(logs),
    validation: {
      metric: 'ndcg@10',
      evaluate: async (model) => {
        const recommender = recommenders.createSasrecRecommender(model, { fittedOn: 'train' });
        return meanMetrics(
          await evaluate(recommender, validation, { ks: [10], maskHistory: true, numItems, batchSize: 1024 }),
        );
      },
    },
  });
  await saveParams(output('model.safetensors'), model.params);
  await writeFileAtomically(output('config.json'), `${JSON.stringify({ sasrec, items: numItems }, null, 2)}\n`);
  await writeTrainingMetrics(join(logs, training.version ?? '', 'metrics.jsonl'), output('metrics.jsonl'));
  return {
    parameters: countParams(model.params),
    validationUsers: validation.length,
    steps: validations.at(-1)?.step ?? 0,
  };
}
