import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/** The k greatest along the last axis and their places, best first, the smaller place first among equals. NaN comes last. */
export const TopK: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const { k } = attrs;
  if (x.dtype !== 'float32' || sizeOf(x.shape) === 0) return runCpuKernel('TopK', call);
  const columns = x.shape[x.shape.length - 1];
  if (!(k >= 0 && k <= columns)) throw new RangeError(`backend-native: k must be in [0, ${columns}], got ${k}`);
  const shape = x.shape.with(-1, k);
  const [values, indices] = [backend.allocate(shape), backend.allocate(shape, 'int32')];
  const [from, best, places] = [x, values, indices].map((tensor) => backend.address(tensor));
  backend.kernels.topK(from, sizeOf(x.shape) / columns, columns, k, best, places);
  return [values, indices];
};
