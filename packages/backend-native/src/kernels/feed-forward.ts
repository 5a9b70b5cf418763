import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x [R, D], input [D, F], output [F, D] -> [R, D] */
export const FeedForward: NativeKernel = ({ inputs: { x, input, output }, attrs, backend }) => {
  const y = backend.allocate(x.shape);
  backend.kernels.feedForward(...argumentsOf({ x, input, output }, attrs, backend), backend.address(y));
  return y;
};

export const FeedForwardGradient: NativeKernel = ({ inputs: { x, input, output, dy }, attrs, backend }) => {
  const gradients = [x, input, output].map(({ shape }) => backend.allocate(shape));
  backend.kernels.feedForwardGradient(
    ...argumentsOf({ x, input, output, dy }, attrs, backend),
    ...gradients.map((tensor) => backend.address(tensor)),
  );
  return gradients;
};

function argumentsOf(
  tensors: { x: TensorInfo; input: TensorInfo; output: TensorInfo; dy?: TensorInfo },
  { rate, key }: { rate: number; key: readonly [number, number] },
  backend: NativeBackend,
): (number | boolean)[] {
  const [width, hidden] = tensors.input.shape;
  const threshold = Math.round(rate * 65536);
  return [
    backend.precision === 'bfloat16',
    ...addressesOf(backend, tensors),
    tensors.x.shape[0],
    width,
    hidden,
    threshold,
    1 / (1 - rate),
    ...key,
  ];
}
