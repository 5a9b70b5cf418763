import './gradients/attention.js';
import './gradients/attention-layer.js';
import './gradients/dropout.js';
import './gradients/feed-forward-layer.js';
import './gradients/gru-cell.js';
import './gradients/layer-norm.js';
import './gradients/mean-squared-distance.js';
import './gradients/mlp.js';
import './gradients/rms-norm.js';
import './gradients/softmax-cross-entropy.js';
import './gradients/squared-norm.js';
import './gradients/unit-rows.js';
import './gradients/vector-quantize.js';

export { solvePositiveDefinite } from './cholesky.js';
export { type AdagradTensors, adagradUpdate } from './ops/adagrad-update.js';
export { type AdamwRates, type AdamwTensors, adamwUpdate } from './ops/adamw-update.js';
export { type AttentionOptions, attention, evenOffsets, longestOf, type Offsets } from './ops/attention.js';
export {
  type AttentionLayerOptions,
  type AttentionLayerWeights,
  attentionLayer,
} from './ops/attention-layer.js';
export { type BeamsOfUsers, type BestChildrenOptions, bestChildren, type ChildLists } from './ops/best-children.js';
export { type BprMaxOptions, bprMax } from './ops/bpr-max.js';
export { clusterMeans } from './ops/cluster-means.js';
export { type CrossAttentionStepOptions, crossAttentionStep } from './ops/cross-attention-step.js';
export { type DropoutDraw, dropout, dropoutMask } from './ops/dropout.js';
export {
  type FeedForwardLayerOptions,
  type FeedForwardLayerWeights,
  feedForwardLayer,
} from './ops/feed-forward-layer.js';
export { gruCell } from './ops/gru-cell.js';
export { invertPositiveDefinite } from './ops/invert-positive-definite.js';
export { drawProportionally, kmeansPlusPlus } from './ops/kmeans-plus-plus.js';
export { layerNorm } from './ops/layer-norm.js';
export { meanSquaredDistance } from './ops/mean-squared-distance.js';
export { type MlpLayer, mlp } from './ops/mlp.js';
export { codeDistances, type Distance, nearestCodes } from './ops/nearest-codes.js';
export { rmsNorm } from './ops/rms-norm.js';
export { type KeysAndValues, type SelfAttentionStepOptions, selfAttentionStep } from './ops/self-attention-step.js';
export { softmaxCrossEntropy } from './ops/softmax-cross-entropy.js';
export { squaredNorm } from './ops/squared-norm.js';
export { type TopKProductsOptions, topKProducts } from './ops/top-k-products.js';
export { rowLengths, unitRows } from './ops/unit-rows.js';
export { updateRows } from './ops/update-rows.js';
export { vectorQuantize } from './ops/vector-quantize.js';
export { availablePrecision, getPrecision, type Precision, setPrecision, withPrecision } from './precision.js';
export { type BackendName, backendNames, type SelectedBackend, selectBackend } from './select-backend.js';
export { tf } from './tf.js';
