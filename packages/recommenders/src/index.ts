export { askTeacher } from './ask-teacher.js';
export { type CoOccurrenceOptions, fitCoOccurrence } from './co-occurrence.js';
export type { FitOptions } from './fit-options.js';
export { countLogit, createHybridRecommender, type HybridPart } from './hybrid.js';
export { fitMarkov } from './markov.js';
export { fitMostPopular } from './most-popular.js';
export {
  createSasrecRecommender,
  initSasrec,
  lastOutputs,
  type Sasrec,
  type SasrecConfig,
  type SasrecModel,
  sasrecForward,
  sasrecLoss,
  sasrecSchema,
  sasrecTrainingSchema,
  type TrainSasrecOptions,
  trainSasrec,
} from './sasrec.js';
