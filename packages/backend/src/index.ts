import './gradients/attention.js';
import './gradients/dropout.js';

export { type AttentionOptions, attention, evenOffsets, longestOf, type Offsets } from './ops/attention.js';
export { addDropout, dropout, dropoutMask } from './ops/dropout.js';
export { softmaxCrossEntropy } from './ops/softmax-cross-entropy.js';
export { type BackendName, backendNames, type SelectedBackend, selectBackend } from './select-backend.js';
export { tf } from './tf.js';
