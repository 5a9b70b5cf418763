import { dirname, join } from 'node:path';
import { leaveOneOut, writeFileAtomically } from '@codebeam/data';
import { countParams } from '@codebeam/nn';
import { createKey, permutation } from '@codebeam/random';
import { askTeacher } from '@codebeam/recommenders';
import { readSemanticIds } from '@codebeam/rqvae';
import { evaluateGeneration } from '@codebeam/tiger';
import * as trainers from '@codebeam/trainers';
import { readDataset } from '../dataset-tables.js';
import type { StageContext } from '../stage.js';
import { loadSasrec } from '../trained-models.js';
import { writeTrainingMetrics } from '../training-metrics.js';

/** Sequences and semantic IDs (and SASRec, as a teacher) -> model.safetensors: TIGER as it was at its best validation. */
export async function trainTiger(
  context: StageContext<'sasrec' | 'tiger' | 'train-tiger'>,
): Promise<Record<string, number>> {
  const { config, input, output, logs, state } = context;
  const { tiger, seed } = config;
  const { validationUsers, validationBeamWidth, ...training } = config['train-tiger'];
  const { teacherShare } = training;
  const { sequences, interactions } = await readDataset((file) => input('prepare-data', file));
  const { userIds } = interactions;
  const { ids } = await readSemanticIds(
    input('assign-semantic-ids', 'semantic-ids.parquet'),
    input('assign-semantic-ids', 'tokenizer-report.json'),
  );
  const { train, validation } = leaveOneOut(sequences);
  const chosen = permutation(createKey(seed, 'sample'), validation.length).subarray(0, validationUsers).sort();
  const cases = Array.from(chosen, (user) => validation[user]);

  const { model, validations } = await trainers.trainTiger({
    sequences: train,
    userIds,
    ids,
    ...(teacherShare > 0 && { teacher: await askTeacher(await loadSasrec(context), train) }),
    config: tiger,
    training: { ...training, seed, experimentName: 'train-tiger', checkpointDir: '.', logDir: '.', runTest: false },
    stateFolder: state,
    logFolder: dirname(logs),
    validation: {
      metric: 'ndcg@10',
      evaluate: (model) =>
        evaluateGeneration(model, cases, { ks: [10], beamWidth: validationBeamWidth, maskHistory: true, userIds }),
    },
  });
  const [best] = trainers.bestValidations(validations, 1, { metric: 'ndcg@10', mode: 'max' });
  await trainers.saveParams(output('model.safetensors'), model.params);
  await writeFileAtomically(
    output('config.json'),
    `${JSON.stringify({ tiger, sizes: model.ids.sizes, teacherShare }, null, 2)}\n`,
  );
  await writeTrainingMetrics(join(logs, training.version ?? '', 'metrics.jsonl'), output('metrics.jsonl'));
  return {
    parameters: countParams(model.params),
    validationUsers: cases.length,
    steps: validations.at(-1)?.step ?? 0,
    bestStep: best?.step ?? 0,
  };
}
