import { util } from '@tensorflow/tfjs-core';
import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x of any shape -> the sum of its squares [] */
export const SquaredNorm: NativeKernel = ({ inputs: { x }, backend }) => {
  const size = util.sizeFromShape(x.shape);
  const out = backend.allocate([]);
  backend.kernels.squaredNorm(size, float32Address(backend, 'x', x, size), backend.address(out));
  return out;
};
