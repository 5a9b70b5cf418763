import { util } from '@tensorflow/tfjs-core';
import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

interface Attrs {
  rate: number;
  /** Two uint32. */
  key: readonly [number, number];
}

/** x with each element dropped or scaled; its own gradient. */
export const Dropout: NativeKernel = ({ inputs: { x }, attrs, backend }) => {
  const size = util.sizeFromShape(x.shape);
  const out = backend.allocate(x.shape);
  backend.kernels.dropout(
    size,
    float32Address(backend, 'x', x, size),
    ...dropoutArguments(attrs),
    backend.address(out),
  );
  return out;
};

/** residual + dropout(x). */
export const AddDropout: NativeKernel = ({ inputs: { residual, x }, attrs, backend }) => {
  const size = util.sizeFromShape(x.shape);
  const out = backend.allocate(x.shape);
  backend.kernels.addDropout(
    size,
    float32Address(backend, 'residual', residual, size),
    float32Address(backend, 'x', x, size),
    ...dropoutArguments(attrs),
    backend.address(out),
  );
  return out;
};

/** What `native/dropout.h` wants to know: the key, the threshold of 16 bits, the factor of what is kept. */
function dropoutArguments({ rate, key }: Attrs): [number, number, number, number] {
  return [key[0], key[1], Math.round(rate * 65536), 1 / (1 - rate)];
}
