export { adagrad } from './adagrad.js';
export { adamw } from './adamw.js';
export {
  bestValidations,
  earlyStopping,
  every,
  type Interval,
  keepCheckpoints,
  type Preference,
  validate,
} from './callbacks.js';
export {
  checkpointPath,
  listCheckpoints,
  loadCheckpoint,
  loadParams,
  resume,
  saveCheckpoint,
  saveParams,
} from './checkpoint.js';
export { createEventFile, type EventFile } from './event-file.js';
export {
  type Callback,
  type FitEvent,
  type FitOptions,
  type FitState,
  fit,
  type LossResult,
  type Validation,
} from './fit.js';
export { logScalars } from './log-scalars.js';
export type { NamedTensors, Optimizer } from './optimizer.js';
export { progress } from './progress.js';
export { duration, type ProgressLineOptions, progressLine } from './progress-line.js';
export { type Projection, writeProjector } from './projector.js';
export { constant, cosine, inverseSqrt, linear, type Schedule } from './schedules.js';
export * from './search/index.js';
export { drawTargets, type Teacher } from './teacher.js';
export { type TrainOptions, train } from './train.js';
export { rqvaeTrainingSchema, type TrainRqvaeOptions, trainRqvae } from './train-rqvae.js';
export type { StepReport } from './train-step.js';
export { historiesContradiction, type TrainTigerOptions, tigerTrainingSchema, trainTiger } from './train-tiger.js';
export { endlessness, runSettings, type TrainingConfig, trainingPlan, trainingSchema } from './training-config.js';
