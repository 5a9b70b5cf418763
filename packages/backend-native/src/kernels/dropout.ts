import { util } from '@tensorflow/tfjs-core';
import { dropoutThreshold, float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x with each element dropped or scaled; its own gradient. */
export const Dropout: NativeKernel = ({ inputs: { x }, attrs: { rate, key }, backend }) => {
  const size = util.sizeFromShape(x.shape);
  const out = backend.allocate(x.shape);
  backend.kernels.dropout(
    size,
    float32Address(backend, 'x', x, size),
    ...key,
    ...dropoutThreshold(rate),
    backend.address(out),
  );
  return out;
};
