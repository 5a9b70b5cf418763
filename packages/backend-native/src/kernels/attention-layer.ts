import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { type AttentionAttrs, addressesOf, attentionShape, dropoutThreshold } from './arguments.js';
import type { NativeKernel } from './kernel.js';

interface AttentionLayerAttrs extends AttentionAttrs {
  epsilon: number;
  dropout: { rate: number; key: readonly [number, number] };
  /** Whether x attends to itself; memory is empty then. */
  self: boolean;
}

/** x [Q, D], memory [S, D], weights -> output [Q, D] and each row's log-sum-exp of scores [Q, H]. */
export const AttentionLayer: NativeKernel = ({ inputs, attrs, backend }) => {
  const { x } = inputs;
  const y = backend.allocate(x.shape);
  const logSums = backend.allocate([x.shape[0], attrs.heads]);
  backend.kernels.attentionLayer(
    ...layerArguments(inputs, attrs, backend),
    backend.address(y),
    backend.address(logSums),
  );
  return [y, logSums];
};

/** and dy [Q, D] -> the gradients of x, memory, norm, query, key, value, output and bias */
export const AttentionLayerGradient: NativeKernel = ({ inputs, attrs, backend }) => {
  const { x, memory, norm, query, key, value, output, bias, logSums, dy } = inputs;
  const gradients = [x, memory, norm, query, key, value, output, bias].map(({ shape }) => backend.allocate(shape));
  const addresses = gradients.map((tensor) => backend.address(tensor));
  if (bias.shape[1] === 0) addresses[7] = 0;
  backend.kernels.attentionLayerGradient(
    ...layerArguments(inputs, attrs, backend),
    ...addressesOf(backend, { logSums, dy }),
    ...addresses,
  );
  return gradients;
};

/** The arguments that `ATTENTION_LAYER` in native/kernels/attention-layer.h names, and those of attention itself. */
function layerArguments(
  inputs: { readonly [name: string]: TensorInfo },
  attrs: AttentionLayerAttrs,
  backend: NativeBackend,
): (number | boolean)[] {
  const { x, memory, norm, query, key, value, output } = inputs;
  const [addressOfX, addressOfMemory, ...weights] = addressesOf(backend, {
    x,
    memory,
    norm,
    query,
    key,
    value,
    output,
  });
  return [
    backend.precisionNumber,
    addressOfX,
    attrs.self ? 0 : addressOfMemory,
    ...weights,
    x.shape[1],
    attrs.epsilon,
    ...dropoutThreshold(attrs.dropout.rate),
    ...attrs.dropout.key,
    ...attentionShape(inputs, query.shape[1], attrs, backend),
  ];
}
