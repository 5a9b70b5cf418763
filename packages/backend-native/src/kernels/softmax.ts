import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/** Over the last axis. `tf.logSoftmax` asks for no kernel of its own: it is made of maxima, sums and differences. */
export const Softmax: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { logits } = inputs;
  const last = logits.shape.length - 1;
  const isLast = attrs.dim === -1 || attrs.dim === last;
  if (!isLast || logits.dtype !== 'float32' || last < 0 || sizeOf(logits.shape) === 0) {
    return runCpuKernel('Softmax', call);
  }
  const out = backend.allocate(logits.shape);
  const columns = logits.shape[last];
  backend.kernels.softmax(backend.address(logits), sizeOf(logits.shape) / columns, columns, backend.address(out));
  return out;
};
