export {
  type AnalysisOptions,
  analyseExperiment,
  analyseUsers,
  type Effect,
  type ExperimentAnalysis,
  type TreatmentGroup,
} from './experiments/analyse-experiment.js';
export { bucketOf, bucketsOf, type Experiment, murmur3, treatmentOf } from './experiments/buckets.js';
export { type AnytimeTest, confidenceSequence } from './experiments/confidence-sequence.js';
export { formatExperiment } from './experiments/format-experiment.js';
export { policyByTreatment } from './experiments/policy-by-treatment.js';
export { renderExperiment } from './experiments/render-experiment.js';
export { detectableEffect, type ExperimentPlan, usersPerGroup } from './experiments/sample-size.js';
export { type Sessions, sessionise } from './experiments/sessionise.js';
export { type UserMetric, type UserMetrics, userMetricNames, userMetrics } from './experiments/user-metrics.js';
export { askPolicy, type Choice, choiceOfEach, type Policy, type Turn } from './policy.js';
export {
  byPopularity,
  type Catalogue,
  type CatalogueFiles,
  courseFiles,
  loadCatalogue,
  type SyntheticCatalogueOptions,
  syntheticCatalogue,
} from './sessions/catalogue.js';
export { randomPolicy, repeatPolicy, stickyArtistPolicy, topPopularPolicy } from './sessions/catalogue-policies.js';
export {
  collectEvents,
  type EventLog,
  eventAt,
  readEventLines,
  type SessionEvent,
  selectEvents,
  sessionEventSchema,
  treatmentName,
  writeEventLines,
  writeEventTable,
} from './sessions/event-log.js';
export {
  contextualPolicy,
  indexedInOrderPolicy,
  indexedPolicy,
  restartWhenBoredPolicy,
  sequentialPolicy,
  type TrackLists,
} from './sessions/list-policies.js';
export { type Listeners, loadListeners, syntheticListeners } from './sessions/listeners.js';
export { artistDiscount, listeningTime, type Taste, timeInSession } from './sessions/listening-time.js';
export { type ListensOptions, listensOf, writeListens } from './sessions/listens.js';
export { nearestTracks } from './sessions/nearest-tracks.js';
export { type RecommenderPolicyOptions, recommenderPolicy } from './sessions/recommender-policy.js';
export { type PolicySessions, renderSessions } from './sessions/render-sessions.js';
export { type SessionMeans, sessionMeans } from './sessions/session-means.js';
export {
  runSessions,
  type SavedRecommender,
  type SessionServices,
  type SessionsConfig,
  type SessionsRun,
  sessionsSchema,
} from './sessions/sessions-config.js';
export { type SimulateSessionsOptions, simulateSessions } from './sessions/simulate-sessions.js';
export { syntheticEmbeddings } from './sessions/synthetic-embeddings.js';
export { readTrackLists, topLists, writeTrackLists } from './sessions/track-lists.js';
export { writeSessions, writeSessionTable } from './sessions/write-sessions.js';
