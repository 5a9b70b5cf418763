import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/**
 * A reduction over any axes of a float32 tensor; other types, and nothing to reduce, are left to TensorFlow.js's own kernel.
 *
 * @param kernel  its name in native/kernels/reduce.h
 */
function reduction(name: string, kernel: string): NativeKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    if (x.dtype !== 'float32' || sizeOf(x.shape) === 0) return runCpuKernel(name, call);
    const axes = util.parseAxisParam(attrs.axis ?? attrs.reductionIndices, x.shape);
    const [outShape, reduced] = backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = attrs.keepDims ? backend_util.expandShapeToKeepDim(outShape, axes) : outShape;
    const groups = groupsOf(x.shape, axes);
    const scale = name === 'Mean' ? 1 / sizeOf(reduced) : 1;
    return reduce(x, groups, shape, kernel, scale, backend);
  };
}

/** Neighbouring dimensions that are all reduced or all kept, as one. */
type Group = { size: number; isReduced: boolean };

function groupsOf(shape: readonly number[], axes: readonly number[]): Group[] {
  const groups: Group[] = [];
  for (const [d, size] of shape.entries()) {
    if (size === 1) continue;
    const isReduced = axes.includes(d);
    const last = groups.at(-1);
    if (last?.isReduced === isReduced) last.size *= size;
    else groups.push({ size, isReduced });
  }
  return groups;
}

/** Reduces the last reduced group first, so that the others see less. */
function reduce(
  x: TensorInfo,
  groups: Group[],
  shape: number[],
  kernel: string,
  scale: number,
  backend: NativeBackend,
): TensorInfo {
  const at = groups.findLastIndex(({ isReduced }) => isReduced);
  const size = (from: number, to?: number) => sizeOf(groups.slice(from, to).map((group) => group.size));
  const [outer, count, inner] = at < 0 ? [1, 1, size(0)] : [size(0, at), groups[at].size, size(at + 1)];
  const isLast = groups.findIndex(({ isReduced }) => isReduced) === at;
  const out = backend.allocate(isLast ? shape : [outer * inner]);
  backend.kernels[kernel](backend.address(x), outer, count, inner, isLast ? scale : 1, backend.address(out));
  if (isLast) return out;
  const rest = reduce(out, groups.toSpliced(at, 1), shape, kernel, scale, backend);
  backend.disposeData(out.dataId);
  return rest;
}

export const Sum = reduction('Sum', 'reduceSum');
export const Mean = reduction('Mean', 'reduceSum');
export const Prod = reduction('Prod', 'reduceProduct');
export const Max = reduction('Max', 'reduceMax');
export const Min = reduction('Min', 'reduceMin');
