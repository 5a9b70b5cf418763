import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import type { NativeKernel } from './kernel.js';

/** x [R, D], input [D, F], output [F, D] -> [R, D] */
export const FeedForward: NativeKernel = ({ inputs: { x, input, output }, attrs, backend }) => {
  const y = backend.allocate(x.shape);
  backend.kernels.feedForward(...argumentsOf([x, input, output], input, x, attrs, backend), backend.address(y));
  return y;
};

export const FeedForwardGradient: NativeKernel = ({ inputs: { x, input, output, dy }, attrs, backend }) => {
  const gradients = [x, input, output].map(({ shape }) => backend.allocate(shape));
  backend.kernels.feedForwardGradient(
    ...argumentsOf([x, input, output, dy], input, x, attrs, backend),
    ...gradients.map((tensor) => backend.address(tensor)),
  );
  return gradients;
};

function argumentsOf(
  tensors: readonly TensorInfo[],
  { shape: [width, hidden] }: TensorInfo,
  { shape: [rows] }: TensorInfo,
  { rate, key }: { rate: number; key: readonly [number, number] },
  backend: NativeBackend,
): (number | boolean)[] {
  const threshold = Math.round(rate * 65536);
  return [
    backend.precision === 'bfloat16',
    ...tensors.map((tensor) => backend.address(tensor)),
    rows,
    width,
    hidden,
    threshold,
    1 / (1 - rate),
    ...key,
  ];
}
