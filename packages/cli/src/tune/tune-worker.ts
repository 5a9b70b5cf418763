import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import type { TrainAndValidation } from '@codebeam/data';
import { judgeLists } from '@codebeam/eval';
import { estimateFit, recommenderModels, searchObjective } from '@codebeam/recommenders';
import { crossValidate, type Objective, serveTrials } from '@codebeam/trainers/search';
import { foldsOf, type TuneConfig } from './tune-config.js';
import { loadTuneData, type TuneData, trainingDataOf, validationJudgement } from './tune-data.js';

/**
 * A worker of `codebeam tune`, a program of its own: measures trials of a model, or estimates what they need.
 *
 * Arguments: the file that holds the resolved config, the folder that its paths start from, the model, and `search` or `estimate`.
 */
const [recordPath, folder, name, purpose] = process.argv.slice(2);

async function createObjective(): Promise<Objective> {
  const { config }: { config: TuneConfig } = JSON.parse(await readFile(recordPath, 'utf8'));
  await selectBackend();
  const data = await loadTuneData(config, folder);
  if (purpose === 'estimate') return estimateObjective(data);
  const { metric, mode, refit } = config.search;
  const objectiveOf = (parts: TrainAndValidation) => {
    const judgement = validationJudgement(parts.train, parts.validation, config);
    return searchObjective({
      model: recommenderModels[name],
      data: trainingDataOf(parts.train, 'train', data),
      metric,
      mode,
      pathOf: (file) => resolve(folder, file),
      async evaluate(recommender) {
        const { overall } = await judgeLists(recommender, judgement);
        // What a metric has nothing to say of is left out; of the one that counts the study hears that it is missing.
        return Object.fromEntries(Object.entries(overall).filter(([, value]) => Number.isFinite(value)));
      },
    });
  };
  const folds = foldsOf(config);
  if (folds === 0) return objectiveOf(data.split);
  const objectives = data.split.folds.map(objectiveOf);
  return crossValidate((trial, fold, report) => objectives[fold](trial, report), {
    folds,
    metric,
    mode,
    choose: refit,
  });
}

/** Reports an estimate as if it were what a trial measured. */
function estimateObjective(data: TuneData): Objective {
  const training = trainingDataOf(data.split.train, 'train', data);
  return async ({ values }, report) => {
    const estimate = await estimateFit(recommenderModels[name], training, values);
    await report({ resource: 1, metrics: { ...estimate } });
  };
}

const objective = createObjective();
objective.catch(() => {}); // each trial hears of it
serveTrials(async (trial, report) => (await objective)(trial, report));
