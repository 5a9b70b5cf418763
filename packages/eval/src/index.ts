export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export {
  countInvalid,
  countListed,
  coverageAtK,
  hitRateAtK,
  invalidIdRateAtK,
  mapAtK,
  mrrAtK,
  ndcgAtK,
  precisionAtK,
  type RankMetric,
  rankMetrics,
  recallAtK,
} from './metrics.js';
export {
  checkRequest,
  emptyRecommendations,
  type Recommendations,
  type Recommender,
  type RecommendOptions,
} from './recommender.js';
export { writeTopK } from './top-k.js';
