import { util } from '@tensorflow/tfjs-core';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/** The place along one axis of the greatest or smallest element, the first among equals. */
function place(name: string, kernel: 'argMax' | 'argMin'): NativeKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    if (x.dtype !== 'float32' || sizeOf(x.shape) === 0) return runCpuKernel(name, call);
    const [axis] = util.parseAxisParam(attrs.axis, x.shape);
    const out = backend.allocate(x.shape.toSpliced(axis, 1), 'int32');
    const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
    backend.kernels[kernel](backend.address(x), outer, x.shape[axis], inner, backend.address(out));
    return out;
  };
}

export const ArgMax = place('ArgMax', 'argMax');
export const ArgMin = place('ArgMin', 'argMin');
