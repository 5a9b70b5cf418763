export { type CrossValidationOptions, chooseIteration, crossValidate, type FoldChoice } from './cross-validate.js';
export {
  describeEnergy,
  type EnergyAssumptions,
  type EnergyEstimate,
  energySchema,
  estimateEnergy,
} from './energy-estimate.js';
export { type EstimateOptions, estimateTraining, type TrainingEstimate } from './estimate-training.js';
export { historyColumns } from './history.js';
export type { TrialRecord } from './journal.js';
export {
  type Decision,
  type Launcher,
  localLauncher,
  type Objective,
  type Outcome,
  type Report,
  type Trial,
  TrialStopped,
} from './launcher.js';
export { type MlflowOptions, mlflowTracker } from './mlflow-tracker.js';
export { type ProcessLauncherOptions, processLauncher, serveTrials } from './process-launcher.js';
export { runStudy, type StudyOptions } from './run-study.js';
export { gridSampler, type Observation, type Proposal, randomSampler, type Sampler } from './sampler.js';
export {
  type AshaOptions,
  asha,
  type PlateauOptions,
  type Progress,
  rungs,
  type Scheduler,
  stopOnPlateau,
  type Verdict,
} from './scheduler.js';
export { type SearchConfig, searchPlan, searchSchema } from './search-config.js';
export {
  type Domain,
  exampleValues,
  gridPoint,
  gridSize,
  type Hyperparameters,
  nestOptions,
  type OptionValue,
  parseSearchSpace,
  type SearchSpace,
  searchSpaceSchema,
} from './search-space.js';
export type { RatedTrial, Study } from './study.js';
export { type TpeOptions, tpeSampler } from './tpe-sampler.js';
export { fileTracker, type TrackedRun, type Tracker } from './tracker.js';
