export type { Choice, Policy, Turn } from './policy.js';
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
export { type PageFacts, renderPopulations } from './populations/render-populations.js';
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
  randomGraph,
  removeFriends,
  type SocialGraph,
  socialGraph,
  unfollow,
} from './populations/social-graph.js';
export { type StateVariable, stateVariables } from './populations/state-history.js';
export type { AddUsersOptions, ListRequest, Model, ModelContext, System } from './populations/system.js';
export { writePopulations } from './populations/write-populations.js';
