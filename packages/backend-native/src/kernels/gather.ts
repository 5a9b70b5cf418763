import { backend_util, util } from '@tensorflow/tfjs-core';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

const bytesOf: { readonly [dtype: string]: 1 | 4 } = { float32: 4, int32: 4, bool: 1 };

/** Rows of x along an axis by their numbers. @throws RangeError when there is no such row */
export const GatherV2: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x, indices } = inputs;
  const [axis] = util.parseAxisParam(attrs.axis, x.shape);
  if (!(x.dtype in bytesOf) || indices.dtype !== 'int32') return runCpuKernel('GatherV2', call);
  const info = backend_util.segment_util.collectGatherOpShapeInfo(
    x as never,
    indices as never,
    axis,
    attrs.batchDims ?? 0,
  );
  const count = sizeOf(indices.shape);
  const address = backend.address(indices);
  const outside = backend.kernels.findOutside(address, count, info.dimSize);
  if (outside >= 0) {
    const index = backend.view<Int32Array>(indices)[outside];
    throw new RangeError(`backend-native: indices to gather must be in [0, ${info.dimSize}), got ${index}`);
  }
  const out = backend.allocate(info.outputShape, x.dtype as 'float32' | 'int32' | 'bool');
  const { batchSize, outerSize, dimSize, sliceSize } = info;
  backend.kernels[`gather${bytesOf[x.dtype]}`](
    backend.address(x),
    address,
    backend.address(out),
    batchSize,
    outerSize,
    count / batchSize,
    dimSize,
    sliceSize,
  );
  return out;
};

/** Sums of the rows of x that share an id; ids outside [0, numSegments) are left out. It is the gradient of a gather. */
export const UnsortedSegmentSum: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x, segmentIds } = inputs;
  if (x.dtype !== 'float32' || segmentIds.dtype !== 'int32') return runCpuKernel('UnsortedSegmentSum', call);
  const rest = x.shape.slice(segmentIds.shape.length);
  const out = backend.allocate([attrs.numSegments, ...rest]);
  const [ids, width] = [sizeOf(segmentIds.shape), sizeOf(rest)];
  if (sizeOf(x.shape) !== ids * width) {
    throw new RangeError(
      `backend-native: segment ids must have the first dimensions of [${x.shape}], got [${segmentIds.shape}]`,
    );
  }
  if (sizeOf(out.shape) === 0) return out;
  const [from, named, to] = [x, segmentIds, out].map((tensor) => backend.address(tensor));
  backend.kernels.segmentSum(from, named, to, ids, width, attrs.numSegments);
  return out;
};
