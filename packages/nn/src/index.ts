export { type Affine, affine } from './affine.js';
export { type Attention, attentionLayer, crossAttentionStep, initAttention, selfAttentionStep } from './attention.js';
export { type BatchNorm, batchNorm, batchNormInTraining, initBatchNorm, isRunningAverage } from './batch-norm.js';
export { createDropout, type Dropout, noDropout } from './dropout.js';
export { type FeedForward, feedForwardLayer, initFeedForward } from './feed-forward.js';
export { normal } from './initialise.js';
export { initLayerNorm, type LayerNorm } from './layer-norm.js';
export { initLinear, type Linear } from './linear.js';
export { type Activation, activationNames, initMlp, type Mlp, type MlpOptions, mlp, mlpInTraining } from './mlp.js';
export { countParams, disposeParams, flattenParams, mapParams, type Params, unflattenParams } from './params.js';
export {
  initRelativePositionBias,
  type RelativePositionBias,
  type RelativePositions,
  relativePositionBias,
  relativePositionBucket,
} from './relative-position-bias.js';
export { restoreParams, restoreTensor, type StoredTensor } from './restore-params.js';
export { initRmsNorm, type RmsNorm, rmsNorm } from './rms-norm.js';
