import type { TensorInfo } from '@tensorflow/tfjs-core';
import { float32Address, rowsOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x [..., D], weight [D] -> [..., D] */
export const RmsNorm: NativeKernel = ({ inputs: { x, weight }, attrs: { epsilon }, backend }) => {
  const { rows, width } = rowsOf(x);
  const out = backend.allocate(x.shape);
  backend.kernels.rmsNorm(
    rows,
    width,
    epsilon,
    float32Address(backend, 'x', x, rows * width),
    float32Address(backend, 'weight', weight, width),
    backend.address(out),
  );
  return out;
};

/** x, weight, dy -> dx, dweight */
export const RmsNormGradient: NativeKernel = ({ inputs: { x, weight, dy }, attrs: { epsilon }, backend }) => {
  const { rows, width } = rowsOf(x);
  const gradients: TensorInfo[] = [x, weight].map(({ shape }) => backend.allocate(shape));
  backend.kernels.rmsNormGradient(
    rows,
    width,
    epsilon,
    float32Address(backend, 'x', x, rows * width),
    float32Address(backend, 'weight', weight, width),
    float32Address(backend, 'dy', dy, rows * width),
    ...gradients.map((tensor) => backend.address(tensor)),
  );
  return gradients;
};
