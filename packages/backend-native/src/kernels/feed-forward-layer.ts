import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { addressesOf, dropoutThreshold } from './arguments.js';
import type { NativeKernel } from './kernel.js';

interface Draw {
  rate: number;
  key: readonly [number, number];
}

/** x [R, D], norm [D], input [D, F], output [F, D] -> [R, D] */
export const FeedForwardLayer: NativeKernel = ({ inputs, attrs, backend }) => {
  const y = backend.allocate(inputs.x.shape);
  backend.kernels.feedForwardLayer(...layerArguments(inputs, attrs, backend), backend.address(y));
  return y;
};

/** and dy [R, D] -> the gradients of the four */
export const FeedForwardLayerGradient: NativeKernel = ({ inputs, attrs, backend }) => {
  const { x, norm, input, output, dy } = inputs;
  const gradients = [x, norm, input, output].map(({ shape }) => backend.allocate(shape));
  backend.kernels.feedForwardLayerGradient(
    ...layerArguments(inputs, attrs, backend),
    ...addressesOf(backend, { dy }),
    ...gradients.map((tensor) => backend.address(tensor)),
  );
  return gradients;
};

/** The arguments that `FEED_FORWARD_LAYER` in native/kernels/feed-forward-layer.h names. */
function layerArguments(
  { x, norm, input, output }: { readonly [name: string]: TensorInfo },
  { epsilon, hiddenDropout, dropout }: { epsilon: number; hiddenDropout: Draw; dropout: Draw },
  backend: NativeBackend,
): (number | boolean)[] {
  return [
    backend.precisionNumber,
    ...addressesOf(backend, { x, norm, input, output }),
    x.shape[0],
    ...input.shape,
    epsilon,
    ...dropoutThreshold(hiddenDropout.rate),
    ...hiddenDropout.key,
    ...dropoutThreshold(dropout.rate),
    ...dropout.key,
  ];
}
