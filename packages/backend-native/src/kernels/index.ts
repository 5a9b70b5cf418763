import * as adagrad from './adagrad.js';
import * as adamw from './adamw.js';
import * as argMax from './arg-max.js';
import * as attention from './attention.js';
import * as attentionLayer from './attention-layer.js';
import * as bestChildren from './best-children.js';
import * as binary from './binary.js';
import * as bprMax from './bpr-max.js';
import * as copy from './copy.js';
import * as crossAttentionStep from './cross-attention-step.js';
import * as dropout from './dropout.js';
import * as feedForwardLayer from './feed-forward-layer.js';
import * as gather from './gather.js';
import * as gruCell from './gru-cell.js';
import type { NativeKernel } from './kernel.js';
import * as kmeans from './kmeans.js';
import * as layerNorm from './layer-norm.js';
import * as matMul from './mat-mul.js';
import * as meanSquaredDistance from './mean-squared-distance.js';
import * as mlp from './mlp.js';
import * as nearestCodes from './nearest-codes.js';
import * as reduce from './reduce.js';
import * as rmsNorm from './rms-norm.js';
import * as selfAttentionStep from './self-attention-step.js';
import * as softmax from './softmax.js';
import * as softmaxCrossEntropy from './softmax-cross-entropy.js';
import * as squaredNorm from './squared-norm.js';
import * as structure from './structure.js';
import * as topK from './top-k.js';
import * as topKProducts from './top-k-products.js';
import * as unary from './unary.js';
import * as unitRows from './unit-rows.js';
import * as updateRows from './update-rows.js';

/** Every native kernel by the name of its TensorFlow.js op, or of the op in packages/backend that it serves. */
export const nativeKernels: { readonly [kernelName: string]: NativeKernel } = {
  ...adagrad,
  ...adamw,
  ...argMax,
  ...attention,
  ...attentionLayer,
  ...bestChildren,
  ...binary,
  ...bprMax,
  ...copy,
  ...crossAttentionStep,
  ...dropout,
  ...feedForwardLayer,
  ...gather,
  ...gruCell,
  ...kmeans,
  ...layerNorm,
  ...matMul,
  ...meanSquaredDistance,
  ...mlp,
  ...nearestCodes,
  ...reduce,
  ...rmsNorm,
  ...selfAttentionStep,
  ...softmax,
  ...softmaxCrossEntropy,
  ...squaredNorm,
  ...structure,
  ...topK,
  ...topKProducts,
  ...unary,
  ...unitRows,
  ...updateRows,
};
