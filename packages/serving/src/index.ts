export type { ListAnswer, ListRequest, Refusal } from './answer-requests.js';
export type { BatchOptions } from './batch-requests.js';
export { type Catalogue, createCatalogue } from './catalogue.js';
export type { Service } from './create-app.js';
export { createService, type ServiceOptions } from './create-service.js';
export { type EventLog, type EventLogOptions, openEventLog } from './event-log.js';
export {
  type AnalyseLog,
  assignTreatments,
  type Experiment,
  type MeasuredMetric,
} from './experiments.js';
export type { Checkpoint, LoadOptions } from './load-checkpoint.js';
export { type Model, type ModelDescription, recommenderModel } from './model.js';
export type { ModelSource } from './model-slot.js';
export { type ServeConfig, serveSchema, stateSchema } from './serve-config.js';
export type { Limits, PlayedBy, SessionPolicies } from './service-context.js';
export { type ModelProcessOptions, startModelProcess } from './start-model-process.js';
export { type StartOptions, startService } from './start-service.js';
export { openLmdbStore } from './state/lmdb-store.js';
export { createMemoryStore } from './state/memory-store.js';
export { openRedisStore } from './state/redis-store.js';
export type { UserState, UserStore } from './state/user-state.js';
