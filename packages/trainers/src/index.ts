export { adagrad } from './adagrad.js';
export { adamw } from './adamw.js';
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
export type { NamedTensors, Optimizer } from './optimizer.js';
export { type Projection, writeProjector } from './projector.js';
export { constant, cosine, inverseSqrt, linear, type Schedule } from './schedules.js';
export type { StepReport } from './train-step.js';
