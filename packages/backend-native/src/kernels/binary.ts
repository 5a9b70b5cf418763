import { broadcast_util, type DataType, type TensorInfo } from '@tensorflow/tfjs-core';
import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { broadcastStrides, maxRank, sameShape, sizeOf, stridedList } from './strides.js';

const suffixes: { readonly [dtype: string]: string } = { float32: 'Float32', int32: 'Int32', bool: 'Bool' };

/**
 * An op of two operands, which broadcast. Other types than these run TensorFlow.js's own kernel.
 *
 * @param kernel  its name in native/kernels/binary.h, to which the operands' type is added
 * @param result  the type of the result, where it is not the operands'
 */
function binary(
  name: string,
  kernel: string,
  dtypes: readonly DataType[],
  result?: 'bool',
  [first, second]: readonly [string, string] = ['a', 'b'],
): NativeKernel {
  return (call) => {
    const { inputs, backend } = call;
    const { [first]: a, [second]: b } = inputs;
    if (a.dtype !== b.dtype || !dtypes.includes(a.dtype)) return runCpuKernel(name, call);
    const isSame = sameShape(a.shape, b.shape);
    const shape = isSame ? a.shape : broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    if (!isSame && shape.length > maxRank) return runCpuKernel(name, call);
    const list = isSame
      ? [1, sizeOf(shape), 1, 1]
      : stridedList(shape, broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape));
    const out = backend.allocate(shape, result ?? (a.dtype as 'float32' | 'int32' | 'bool'));
    const [addressA, addressB] = [backend.address(a), backend.address(b)];
    backend.kernels[kernel + suffixes[a.dtype]](backend.list(list), addressA, addressB, backend.address(out));
    return out;
  };
}

const numbers = ['float32', 'int32'] as const;

export const Add = binary('Add', 'add', numbers);
export const Sub = binary('Sub', 'subtract', numbers);
export const Multiply = binary('Multiply', 'multiply', numbers);
export const RealDiv = binary('RealDiv', 'divide', ['float32']);
export const FloorDiv = binary('FloorDiv', 'floorDivide', ['int32']);
export const Pow = binary('Pow', 'power', ['float32']);
export const Maximum = binary('Maximum', 'maximum', numbers);
export const Minimum = binary('Minimum', 'minimum', numbers);
export const SquaredDifference = binary('SquaredDifference', 'squaredDifference', ['float32']);
export const Greater = binary('Greater', 'greater', numbers, 'bool');
export const GreaterEqual = binary('GreaterEqual', 'greaterEqual', numbers, 'bool');
export const Less = binary('Less', 'less', numbers, 'bool');
export const LessEqual = binary('LessEqual', 'lessEqual', numbers, 'bool');
export const Equal = binary('Equal', 'equal', numbers, 'bool');
export const NotEqual = binary('NotEqual', 'notEqual', numbers, 'bool');
export const LogicalAnd = binary('LogicalAnd', 'logicalAnd', ['bool']);
export const LogicalOr = binary('LogicalOr', 'logicalOr', ['bool']);
export const EluGrad = binary('EluGrad', 'eluGradient', ['float32'], undefined, ['dy', 'y']);

/** The sum of tensors of one shape, in one pass over 32 of them at a time. */
export const AddN: NativeKernel = (call) => {
  const { backend } = call;
  // TensorFlow.js passes a plain array here.
  const tensors = call.inputs as unknown as readonly TensorInfo[];
  const [{ shape }] = tensors;
  if (tensors.some((tensor) => tensor.dtype !== 'float32' || !sameShape(tensor.shape, shape))) {
    return runCpuKernel('AddN', call);
  }
  const out = backend.allocate(shape);
  for (let start = 0; start < tensors.length; start += 32) {
    const addresses = tensors.slice(start, start + 32).map((tensor) => backend.address(tensor));
    backend.kernels.addN(backend.list(addresses), addresses.length, sizeOf(shape), backend.address(out), start > 0);
  }
  return out;
};
