export {
  type BootstrapOptions,
  bootstrapInterval,
  bootstrapMean,
  countRanks,
  coverageInterval,
  type Interval,
  resampleCounts,
} from './confidence.js';
export {
  type Conventions,
  type CutOffMetric,
  cutOffMetrics,
  type MaskRule,
  maskRules,
  type PresetName,
  presetNames,
  presets,
  type RankingMetric,
  type TieRule,
  tieRules,
  wholeMetrics,
} from './conventions.js';
export { adjustPValues } from './corrections.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export { type ChooseExamplesOptions, chooseExamples, type ExampleUser } from './examples.js';
export { cutOffsOf, formatResults, mainMetrics, unitOf } from './format-results.js';
export {
  type Judgement,
  type JudgementConfig,
  judgedMetrics,
  judgeLists,
  judgementOf,
  judgementSchema,
  mainMetric,
} from './judge-lists.js';
export { entropyOf, giniIndex } from './list-metrics.js';
export {
  countInvalid,
  countListed,
  coverageAtK,
  hitRateAtK,
  invalidIdRateAtK,
  type MetricName,
  mapAtK,
  metricOf,
  mrrAtK,
  ndcgAtK,
  precisionAtK,
  type RankMetric,
  rankMetrics,
  recallAtK,
} from './metrics.js';
export { escapeHtml, type PageFrame, type PageSection, renderPage } from './page.js';
export { type Curve, createChartDrawing } from './page-charts.js';
export {
  describeSample,
  type MeanTest,
  normalQuantile,
  pairedTTest,
  type SampleSummary,
  type TestResult,
  type WilcoxonOptions,
  welchTest,
  wilcoxonTest,
} from './paired-tests.js';
export { groupByPrefix, meanPurity, type PrefixGroup } from './prefix-categories.js';
export { nameOfMetric, type RankingMetrics, rankingMetrics } from './ranking-metrics.js';
export {
  checkRequest,
  emptyRecommendations,
  type Recommendations,
  type Recommender,
  type RecommendOptions,
} from './recommender.js';
export { type ReportData, renderReport } from './report.js';
export {
  type BuildResultsOptions,
  buildResults,
  comparedCutOff,
  type DatasetSummary,
  type ModelResult,
  meanMetrics,
  type Protocol,
  type ResultsEntry,
  type ResultsTable,
  summarizeEvaluation,
  withoutInterval,
} from './results.js';
export { keepCandidates, rankCandidates, type SampleOptions, sampleCandidates } from './sampled-ranking.js';
export { compareOverSeeds, meansOverSeeds, type SeededMean, type SeededRanks } from './seeds.js';
export { shapiroWilk } from './shapiro-wilk.js';
export { compareModels, compareValues, type PairedDifference } from './significance.js';
export {
  evaluateSlices,
  type Slice,
  type SliceResult,
  sliceByHistoryLength,
  sliceByTargetFrequency,
} from './slices.js';
export {
  type RankedLists,
  type RankedTargets,
  type RankingInput,
  rankedLists,
  rankTargets,
  type Targets,
} from './target-ranks.js';
export { writeTopK } from './top-k.js';
