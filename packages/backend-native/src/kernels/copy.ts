import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { maxRank, sameShape, sizeOf, stridedList, stridesOf } from './strides.js';
import { view } from './view.js';

type Dtype = 'float32' | 'int32' | 'bool';
const bytesOf: { readonly [dtype: string]: 1 | 4 } = { float32: 4, int32: 4, bool: 1 };
const isNumeric = (dtype: string): dtype is Dtype => dtype in bytesOf;

/** How a tensor's elements are walked: from which on, and how far apart neighbours lie along each dimension. */
interface Walk {
  tensor: TensorInfo;
  offset: number;
  strides: readonly number[];
}

/** Copies elements of one tensor to places in another, for each index below `dims`. */
function copy(backend: NativeBackend, dims: readonly number[], from: Walk, to: Walk): void {
  const bytes = bytesOf[to.tensor.dtype];
  const list = stridedList(dims, from.strides, to.strides);
  const [source, target] = [from, to].map(({ tensor, offset }) => backend.address(tensor) + bytes * offset);
  backend.kernels[`copy${bytes}`](backend.list(list), source, target);
}

const whole = (tensor: TensorInfo): Walk => ({ tensor, offset: 0, strides: stridesOf(tensor.shape) });
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + x * b[d], 0);

function slice(x: TensorInfo, begin: readonly number[], size: readonly number[], backend: NativeBackend): TensorInfo {
  const strides = stridesOf(x.shape);
  const out = backend.allocate(size, x.dtype as Dtype);
  copy(backend, size, { tensor: x, offset: dot(begin, strides), strides }, whole(out));
  return out;
}

export const Slice: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('Slice', call);
  const [begin, size] = slice_util.parseSliceParams(x as never, attrs.begin, attrs.size);
  slice_util.assertParamsValid(x as never, begin, size);
  return slice(x, begin, size, backend);
};

export const StridedSlice: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('StridedSlice', call);
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const info = slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  const out = backend.allocate(info.finalShape, x.dtype);
  const steps = stridesOf(x.shape);
  const from = {
    tensor: x,
    offset: dot(info.begin, steps),
    strides: steps.map((step, d) => step * info.strides[d]),
  };
  const dims = slice_util.computeOutShape(info.begin, info.end, info.strides);
  if (sizeOf(dims) > 0) copy(backend, dims, from, { tensor: out, offset: 0, strides: stridesOf(dims) });
  return out;
};

export const Reverse: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('Reverse', call);
  const reversed = util.parseAxisParam(attrs.dims, x.shape);
  const out = backend.allocate(x.shape, x.dtype);
  const strides = stridesOf(x.shape).map((stride, d) => (reversed.includes(d) ? -stride : stride));
  const last = x.shape.map((n, d) => (reversed.includes(d) ? n - 1 : 0));
  if (sizeOf(x.shape) > 0) {
    copy(backend, x.shape, { tensor: x, offset: dot(last, stridesOf(x.shape)), strides }, whole(out));
  }
  return out;
};

export const SplitV: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('SplitV', call);
  const [axis] = util.parseAxisParam(attrs.axis, x.shape);
  const begin = x.shape.map(() => 0);
  return backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis).map((size) => {
    const part = slice(x, begin, x.shape.with(axis, size), backend);
    begin[axis] += size;
    return part;
  });
};

export const Unpack: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { value } = inputs;
  if (!isNumeric(value.dtype) || value.shape.length > maxRank) return runCpuKernel('Unpack', call);
  const [axis] = util.parseAxisParam(attrs.axis, value.shape);
  const shape = value.shape.toSpliced(axis, 1);
  return Array.from({ length: value.shape[axis] }, (_, i) => {
    const begin = value.shape.map((_, d) => (d === axis ? i : 0));
    return { ...slice(value, begin, value.shape.with(axis, 1), backend), shape };
  });
};

/** Tensors of one type that differ in size along one axis only, written side by side into a tensor of shape `shape`. */
function concat(
  tensors: readonly TensorInfo[],
  sizes: readonly number[],
  outer: number,
  shape: number[],
  backend: NativeBackend,
): TensorInfo {
  const out = backend.allocate(shape, tensors[0].dtype as Dtype);
  const width = sizes.reduce((sum, size) => sum + size, 0);
  let offset = 0;
  for (const [i, tensor] of tensors.entries()) {
    const from = { tensor, offset: 0, strides: [sizes[i], 1] };
    if (outer * sizes[i] > 0) copy(backend, [outer, sizes[i]], from, { tensor: out, offset, strides: [width, 1] });
    offset += sizes[i];
  }
  return out;
}

export const Concat: NativeKernel = (call) => {
  const { attrs, backend } = call;
  // TensorFlow.js passes a plain array here.
  const tensors = call.inputs as unknown as readonly TensorInfo[];
  const [{ dtype, shape }] = tensors;
  if (!isNumeric(dtype) || tensors.some((tensor) => tensor.dtype !== dtype)) return runCpuKernel('Concat', call);
  const [axis] = util.parseAxisParam(attrs.axis, shape);
  const shapes = tensors.map((tensor) => tensor.shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const sizes = shapes.map((one) => sizeOf(one.slice(axis)));
  return concat(tensors, sizes, sizeOf(shape.slice(0, axis)), backend_util.computeOutShape(shapes, axis), backend);
};

export const Pack: NativeKernel = (call) => {
  const { attrs, backend } = call;
  const tensors = call.inputs as unknown as readonly TensorInfo[];
  const [{ dtype, shape }] = tensors;
  if (!isNumeric(dtype) || tensors.some((x) => x.dtype !== dtype || !sameShape(x.shape, shape))) {
    return runCpuKernel('Pack', call);
  }
  const axis = attrs.axis < 0 ? attrs.axis + shape.length + 1 : attrs.axis;
  const size = sizeOf(shape.slice(axis));
  const outShape = shape.toSpliced(axis, 0, tensors.length);
  return concat(
    tensors,
    tensors.map(() => size),
    sizeOf(shape.slice(0, axis)),
    outShape,
    backend,
  );
};

export const PadV2: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const paddings: [number, number][] = attrs.paddings;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('PadV2', call);
  const out = backend.allocate(
    x.shape.map((n, d) => paddings[d][0] + n + paddings[d][1]),
    x.dtype,
  );
  if (x.dtype === 'float32') backend.kernels.fill(sizeOf(out.shape), attrs.constantValue, backend.address(out));
  else backend.view<Int32Array | Uint8Array>(out).fill(attrs.constantValue);
  const strides = stridesOf(out.shape);
  const before = paddings.map(([first]) => first);
  if (sizeOf(x.shape) > 0) copy(backend, x.shape, whole(x), { tensor: out, offset: dot(before, strides), strides });
  return out;
};

export const Tile: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const reps: number[] = attrs.reps;
  // Each dimension is walked as two: its copies, then its elements.
  const dims = x.shape.flatMap((n, d) => [reps[d], n]);
  if (!isNumeric(x.dtype) || dims.filter((n) => n !== 1).length > maxRank) return runCpuKernel('Tile', call);
  const out = backend.allocate(
    x.shape.map((n, d) => n * reps[d]),
    x.dtype,
  );
  const from = { tensor: x, offset: 0, strides: stridesOf(x.shape).flatMap((stride) => [0, stride]) };
  if (sizeOf(dims) > 0) copy(backend, dims, from, { tensor: out, offset: 0, strides: stridesOf(dims) });
  return out;
};

export const Transpose: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const perm: number[] = attrs.perm;
  if (!isNumeric(x.dtype) || x.shape.length > maxRank) return runCpuKernel('Transpose', call);
  const shape = perm.map((d) => x.shape[d]);
  const moved = perm.filter((d) => x.shape[d] > 1);
  if (moved.every((d, i) => i === 0 || d > moved[i - 1])) return view(x, shape, backend);
  const out = backend.allocate(shape, x.dtype);
  if (sizeOf(shape) === 0) return out;
  const strides = stridesOf(x.shape);
  const [rank, ...list] = stridedList(
    shape,
    perm.map((d) => strides[d]),
    stridesOf(shape),
  );
  const [dims, steps, stepsOut] = [0, 1, 2].map((k) => list.slice(k * rank, (k + 1) * rank));
  const bytes = bytesOf[x.dtype];
  const [source, target] = [backend.address(x), backend.address(out)];
  const last = rank - 1;
  // The dimension along which x runs; where it is the last of out as well, whole rows are copied.
  const running = steps.lastIndexOf(1);
  if (running === last) {
    backend.kernels[`copy${bytes}`](backend.list([rank, ...list]), source, target);
    return out;
  }
  const others = dims.map((_, d) => d).filter((d) => d !== running && d !== last);
  const loops = stridedList(...([dims, steps, stepsOut].map((one) => others.map((d) => one[d])) as Loops));
  backend.kernels[`transpose${bytes}`](
    backend.list(loops),
    dims[last],
    steps[last],
    dims[running],
    stepsOut[running],
    source,
    target,
  );
  return out;
};

type Loops = [number[], number[], number[]];
