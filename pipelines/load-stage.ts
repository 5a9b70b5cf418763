import { type StageName, stageOf } from './pipeline.js';
import type { Section, Stage } from './stage.js';

/** By the file's name. */
const stages: Record<string, () => Promise<Stage<Section>>> = {
  'fetch-data': async () => (await import('./stages/fetch-data.js')).fetchData,
  'prepare-data': async () => (await import('./stages/prepare-data.js')).prepareData,
  'train-sasrec': async () => (await import('./stages/train-sasrec.js')).trainSasrec,
  'embed-items': async () => (await import('./stages/embed-items.js')).embedItems,
  'train-rqvae': async () => (await import('./stages/train-rqvae.js')).trainRqvae,
  'assign-semantic-ids': async () => (await import('./stages/assign-semantic-ids.js')).assignSemanticIds,
  'train-tiger': async () => (await import('./stages/train-tiger.js')).trainTiger,
  evaluate: async () => (await import('./stages/evaluate.js')).evaluate,
  'fit-recommenders': async () => (await import('./stages/fit-recommenders.js')).fitRecommenders,
  'evaluate-recommenders': async () => (await import('./stages/evaluate-recommenders.js')).evaluateRecommenders,
  'run-experiment': async () => (await import('./stages/run-experiment.js')).runExperiment,
};

/** The stage of that name on a config's line. Its code is loaded only now: preparing data needs no tensors. */
export function loadStage(config: object, name: StageName): Promise<Stage<Section>> {
  const { code = name } = stageOf(config, name);
  return stages[code]();
}
