export type { Distance } from '@codebeam/backend';
export { balanceLastLevel } from './balance-last-level.js';
export { codebookUsage, type LevelUsage } from './codebook-usage.js';
export { type RqvaeConfig, rqvaeSchema } from './config.js';
export { resetDeadCodes } from './dead-codes.js';
export { type EmaCodebook, initEma, updateEma } from './ema.js';
export {
  encodeItems,
  evaluateReconstruction,
  extendSemanticIds,
  generateSemanticIds,
  quantizeItems,
} from './generate-semantic-ids.js';
export { initCodebooks, replaceCodebooks } from './init-codebooks.js';
export { assignNearest, type Kmeans, type KmeansOptions, kmeans, residualKmeans } from './kmeans.js';
export { codebookLoss, commitmentLoss, reconstructionLoss } from './losses.js';
export {
  type GradientEstimator,
  type Quantization,
  residualQuantize,
  rotationTrick,
  straightThrough,
  sumCodeVectors,
} from './residual-quantizer.js';
export {
  decode,
  encode,
  initRqvae,
  isTrainable,
  normaliseInputs,
  quantize,
  type RqvaeParams,
  rqvaeLoss,
} from './rqvae.js';
export { readSemanticIds, writeSemanticIds } from './semantic-id-tables.js';
export {
  appendSemanticIds,
  assignSemanticIds,
  createItemLookup,
  formatSemanticId,
  groupByPrefix,
  parseSemanticId,
  type SemanticIds,
  semanticIdOf,
} from './semantic-ids.js';
export { sinkhornPlan } from './sinkhorn.js';
export {
  type Collisions,
  measureAgreement,
  measureCollisions,
  measurePurity,
  type PrefixAgreement,
  type PrefixPurity,
  type Reconstruction,
  reportTokenizer,
  type TokenizerReport,
} from './tokenizer-report.js';
