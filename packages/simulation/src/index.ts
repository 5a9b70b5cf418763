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
export {
  adviseOnSampleSize,
  analysisOptions,
  experimentSchema,
  planSchema,
} from './experiments/experiment-config.js';
export { formatExperiment } from './experiments/format-experiment.js';
export { policyByTreatment } from './experiments/policy-by-treatment.js';
export { renderExperiment } from './experiments/render-experiment.js';
export { detectableEffect, type ExperimentPlan, usersPerGroup, usersReached } from './experiments/sample-size.js';
export { type Sessions, sessionise } from './experiments/sessionise.js';
export { type UserMetric, type UserMetrics, userMetricNames, userMetrics } from './experiments/user-metrics.js';
export { askPolicy, type Choice, choiceOfEach, type Policy, type Turn } from './policy.js';
export { type AskRecommenderOptions, askRecommender } from './populations/ask-recommender.js';
export { type BassOptions, bass, infectionProbability } from './populations/bass.js';
export {
  type Choice as ItemChoice,
  type Choose,
  chooseBest,
  chooseByDivisiveNormalization,
  type DivisiveNormalization,
  dnUtility,
} from './populations/choose-items.js';
export { type ContentFilteringOptions, contentFiltering } from './populations/content-filtering.js';
export {
  createSimulation,
  type RunOptions,
  type Simulation,
  type SimulationOptions,
  type Users,
} from './populations/create-simulation.js';
export { type Creators, createItems } from './populations/creators.js';
export { type Diagnosis, diagnose } from './populations/diagnose.js';
export {
  type DiffusionTree,
  diffusionTree,
  structuralVirality,
  structuralViralityMeasurement,
  type ViralityOptions,
} from './populations/diffusion-tree.js';
export {
  averageFeatureScoreRange,
  type FeatureScoreRangeOptions,
  featureScoreRange,
} from './populations/feature-score-range.js';
export { type Factorize, type Factors, type ImplicitMfOptions, implicitMf } from './populations/implicit-mf.js';
export {
  countChoices,
  interactionHistogram,
  interactionSimilarity,
  interactionSpread,
  jaccard,
  recommendationSimilarity,
  type SimilarityOptions,
  spreadOf,
} from './populations/measure-interactions.js';
export { meanSquaredError, rootMeanSquaredError } from './populations/measure-scores.js';
export type { Measured, Measurement } from './populations/measurement.js';
export { solveNonnegative } from './populations/nonnegative-least-squares.js';
export { popularity } from './populations/popularity.js';
export { historyOf, type Population } from './populations/population.js';
export {
  countSteps,
  type PopulationServices,
  type PopulationsConfig,
  populationsSchema,
  runPopulations,
} from './populations/populations-config.js';
export type { Interleave, PresentOptions } from './populations/present-items.js';
export {
  appendProfiles,
  bernoulliProfiles,
  filledProfiles,
  normalProfiles,
  type Profiles,
  profileOf,
  profilesOf,
  uniformProfiles,
} from './populations/profiles.js';
export { randomItems } from './populations/random-items.js';
export { drawRanks, rankWeights } from './populations/rank-items.js';
export { renderPopulations } from './populations/render-populations.js';
export {
  cosineSimilarity,
  type ItemScores,
  innerProduct,
  pairwise,
  type ScoreFunction,
  type Scorer,
  scorerOf,
} from './populations/score-functions.js';
export { slerp } from './populations/slerp.js';
export { type SocialFilteringOptions, socialFiltering } from './populations/social-filtering.js';
export {
  addFriends,
  type Edge,
  follow,
  followedBy,
  growGraph,
  growRandomGraph,
  randomGraph,
  removeFriends,
  type SocialGraph,
  socialGraph,
  unfollow,
} from './populations/social-graph.js';
export { type StateVariable, stateVariables } from './populations/state-history.js';
export type { AddUsersOptions, ListRequest, Model, ModelContext, System } from './populations/system.js';
export { writePopulations } from './populations/write-populations.js';
export {
  byPopularity,
  type Catalogue,
  type CatalogueFiles,
  courseFiles,
  loadCatalogue,
  type SyntheticCatalogueOptions,
  syntheticCatalogue,
} from './sessions/catalogue.js';
export { type CatalogueConfig, catalogueSchema, makeCatalogue } from './sessions/catalogue-config.js';
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
  treatmentNumber,
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
export {
  cataloguePolicyTypes,
  filePolicySchemas,
  listPolicyTypes,
  makePolicies,
  type PolicyConfig,
  type PolicyServices,
  policySchema,
  type SavedRecommender,
  unknownPolicies,
} from './sessions/policies-config.js';
export { type RecommenderPolicyOptions, recommenderPolicy } from './sessions/recommender-policy.js';
export { type RemotePolicyOptions, remotePolicy } from './sessions/remote-policy.js';
export { type PolicySessions, renderSessions } from './sessions/render-sessions.js';
export { type SessionMeans, sessionMeans } from './sessions/session-means.js';
export {
  runSessions,
  type SessionServices,
  type SessionsConfig,
  type SessionsRun,
  sessionsSchema,
} from './sessions/sessions-config.js';
export { type SimulateSessionsOptions, simulateSessions } from './sessions/simulate-sessions.js';
export { syntheticEmbeddings } from './sessions/synthetic-embeddings.js';
export { readTrackLists, topLists, writeTrackLists } from './sessions/track-lists.js';
export { writeSessions, writeSessionTable } from './sessions/write-sessions.js';
