import './gradients/attention.js';
import './gradients/dropout.js';
import './gradients/feed-forward.js';
import './gradients/layer-norm.js';
import './gradients/rms-norm.js';
import './gradients/softmax-cross-entropy.js';

export { type AttentionOptions, attention, evenOffsets, longestOf, type Offsets } from './ops/attention.js';
export { addDropout, dropout, dropoutMask } from './ops/dropout.js';
export { feedForward } from './ops/feed-forward.js';
export { layerNorm } from './ops/layer-norm.js';
export { rmsNorm } from './ops/rms-norm.js';
export { softmaxCrossEntropy } from './ops/softmax-cross-entropy.js';
export { type BackendName, backendNames, type SelectedBackend, selectBackend } from './select-backend.js';
export { tf } from './tf.js';
