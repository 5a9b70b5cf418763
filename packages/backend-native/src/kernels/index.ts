import * as attention from './attention.js';
import * as dropout from './dropout.js';
import * as feedForward from './feed-forward.js';
import type { NativeKernel } from './kernel.js';
import * as layerNorm from './layer-norm.js';
import * as matMul from './mat-mul.js';
import * as rmsNorm from './rms-norm.js';
import * as softmaxCrossEntropy from './softmax-cross-entropy.js';

/** Every native kernel by the name of its TensorFlow.js op, or of the op in packages/backend that it serves. */
export const nativeKernels: { readonly [kernelName: string]: NativeKernel } = {
  ...attention,
  ...dropout,
  ...layerNorm,
  ...feedForward,
  ...matMul,
  ...rmsNorm,
  ...softmaxCrossEntropy,
};
