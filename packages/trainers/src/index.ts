export { adagrad } from './adagrad.js';
export { adamw } from './adamw.js';
export {
  type Callback,
  type FitEvent,
  type FitOptions,
  type FitState,
  fit,
  type LossResult,
  type Validation,
} from './fit.js';
export type { NamedTensors, Optimizer } from './optimizer.js';
export { constant, cosine, inverseSqrt, linear, type Schedule } from './schedules.js';
export type { StepReport } from './train-step.js';
