import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sameShape, sizeOf } from './strides.js';
import { view } from './view.js';

type Dtype = 'float32' | 'int32' | 'bool';
const suffixes: { readonly [dtype: string]: string } = { float32: 'Float32', int32: 'Int32', bool: 'Bool' };
const isNumeric = (dtype: string): dtype is Dtype => dtype in suffixes;

export const Identity: NativeKernel = ({ inputs: { x }, backend }) => view(x, x.shape, backend);

export const Reshape: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  if (!isNumeric(x.dtype)) return runCpuKernel('Reshape', call);
  const size = sizeOf(x.shape);
  const shape = util.inferFromImplicitShape(attrs.shape, size);
  if (sizeOf(shape) !== size) {
    throw new RangeError(`backend-native: shape must have ${size} elements as [${x.shape}] has, got [${attrs.shape}]`);
  }
  return view(x, shape, backend);
};

export const ExpandDims: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { input } = inputs;
  if (!isNumeric(input.dtype)) return runCpuKernel('ExpandDims', call);
  return view(
    input,
    input.shape.toSpliced(attrs.dim < 0 ? input.shape.length + attrs.dim + 1 : attrs.dim, 0, 1),
    backend,
  );
};

/** Unlike the cpu backend's, a cast to a wider type has memory of its own: kernels read bits and not JavaScript's numbers. */
export const Cast: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const { dtype } = attrs;
  if (!isNumeric(x.dtype) || !isNumeric(dtype)) return runCpuKernel('Cast', call);
  if (x.dtype === dtype) return view(x, x.shape, backend);
  const out = backend.allocate(x.shape, dtype);
  const kernel = `cast${suffixes[x.dtype]}${suffixes[dtype]}`;
  backend.kernels[kernel](sizeOf(x.shape), backend.address(x), backend.address(out));
  return out;
};

function fill(shape: readonly number[], value: number, dtype: Dtype, backend: NativeBackend): TensorInfo {
  const out = backend.allocate(shape, dtype);
  if (dtype === 'float32') backend.kernels.fill(sizeOf(shape), value, backend.address(out));
  else backend.view<Int32Array | Uint8Array>(out).fill(value);
  return out;
}

export const Fill: NativeKernel = (call) => {
  const { attrs, backend } = call;
  const { shape, value } = attrs;
  const dtype = attrs.dtype || util.inferDtype(value);
  return isNumeric(dtype) ? fill(shape, Number(value), dtype, backend) : runCpuKernel('Fill', call);
};

export const ZerosLike: NativeKernel = (call) => {
  const { shape, dtype } = call.inputs.x;
  return isNumeric(dtype) ? fill(shape, 0, dtype, call.backend) : runCpuKernel('ZerosLike', call);
};

export const OnesLike: NativeKernel = (call) => {
  const { shape, dtype } = call.inputs.x;
  return isNumeric(dtype) ? fill(shape, 1, dtype, call.backend) : runCpuKernel('OnesLike', call);
};

export const OneHot: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  const { indices } = inputs;
  const { depth, onValue, offValue, dtype } = attrs;
  if (indices.dtype !== 'int32' || (dtype !== 'float32' && dtype !== 'int32')) return runCpuKernel('OneHot', call);
  const out = backend.allocate([...indices.shape, depth], dtype);
  const [address, result] = [backend.address(indices), backend.address(out)];
  backend.kernels[`oneHot${suffixes[dtype]}`](sizeOf(indices.shape), depth, address, onValue, offValue, result);
  return out;
};

export const Select: NativeKernel = (call) => {
  const { inputs, backend } = call;
  const { condition, t, e } = inputs;
  const isSame = sameShape(condition.shape, t.shape) && sameShape(t.shape, e.shape);
  if (!isSame || condition.dtype !== 'bool' || t.dtype !== e.dtype || !isNumeric(t.dtype)) {
    return runCpuKernel('Select', call);
  }
  const out = backend.allocate(t.shape, t.dtype);
  const kernel = backend.kernels[t.dtype === 'bool' ? 'select1' : 'select4'];
  const [mask, yes, no, result] = [condition, t, e, out].map((tensor) => backend.address(tensor));
  kernel(sizeOf(t.shape), mask, yes, no, result);
  return out;
};
