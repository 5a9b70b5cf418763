export { askTeacher } from './ask-teacher.js';
export { addEase, cease } from './attribute-ease.js';
export { attributeItemKnn, attributeUserKnn } from './attribute-knn.js';
export { bprMf } from './bpr-mf.js';
export { coOccurrence, coOccurrenceSchema } from './co-occurrence.js';
export { type Core, type CoreConfig, core, coreLoss, coreSchema, encodeSessions, initCore } from './core.js';
export {
  type DataSize,
  type Definition,
  defineRecommender,
  type FitContext,
  type FittedRecommender,
  type Question,
  type RecommenderModel,
  type Scorer,
  scoreEach,
  type TrainingData,
  vector,
  type Weights,
} from './define-recommender.js';
export { ease } from './ease.js';
export { type Gru, gruStep, type OneHotGru, oneHotGruStep } from './gru.js';
export {
  type Gru4rec,
  type Gru4recConfig,
  type Gru4recInTraining,
  type Gru4recStep,
  gru4rec,
  gru4recForward,
  gru4recLoss,
  gru4recSchema,
  gru4recSteps,
  gru4recTrainingSchema,
  initGru4rec,
  lastStates,
} from './gru4rec.js';
export { type Gru4recFile, gru4recFileSchema, loadGru4recConfig } from './gru4rec-config.js';
export { countLogit, createHybridRecommender, type HybridPart } from './hybrid.js';
export { factorizeImplicit, ials } from './ials.js';
export { itemKnn } from './item-knn.js';
export { markov } from './markov.js';
export { loadRecommender, recommenderModels } from './models.js';
export { mostPopular } from './most-popular.js';
export {
  initNeumf,
  type LookUp,
  type Neumf,
  type NeumfConfig,
  neumf,
  neumfForward,
  neumfLoss,
  neumfSchema,
  pairsOf,
} from './neumf.js';
export { proxy } from './proxy.js';
export { random } from './random.js';
export { rp3beta } from './rp3beta.js';
export { binaryCrossEntropy, sampledBprMax, sampledCrossEntropy, sampledSoftmax } from './sampled-losses.js';
export {
  initSasrec,
  lastOutputs,
  type Sasrec,
  type SasrecConfig,
  sasrec,
  sasrecForward,
  sasrecLoss,
  sasrecSchema,
  sasrecTrainingSchema,
} from './sasrec.js';
export { type SasrecBatch, type SasrecSamples, sasrecBatches } from './sasrec-batches.js';
export {
  estimateFit,
  type FitEstimate,
  refitOptions,
  searchObjective,
  searchSpaceOf,
} from './search-objective.js';
export { type Similarity, similarityTo } from './similarity.js';
export { slim } from './slim.js';
export { defineTrainedRecommender, recommenderTrainingSchema, type TrainedDefinition } from './train-recommender.js';
export { userKnn } from './user-knn.js';
export { vsm } from './vsm.js';
