import { runCpuKernel } from '../fallback.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/**
 * An op of one float32 operand; other types run TensorFlow.js's own kernel.
 *
 * @param kernel   its name in native/kernels/unary.h
 * @param numbers  one or two numbers that the op needs, from its attributes
 */
function unary(
  name: string,
  kernel: string,
  // biome-ignore lint/suspicious/noExplicitAny: as in NativeKernel
  numbers: (attrs: any) => readonly number[] = () => [],
): NativeKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    if (x.dtype !== 'float32') return runCpuKernel(name, call);
    const out = backend.allocate(x.shape);
    const [p = 0, q = 0] = numbers(attrs);
    backend.kernels[kernel](sizeOf(x.shape), backend.address(x), backend.address(out), p, q);
    return out;
  };
}

function test(name: string, kernel: string, dtype: 'float32' | 'bool'): NativeKernel {
  return (call) => {
    const { inputs, backend } = call;
    const { x } = inputs;
    if (x.dtype !== dtype) return runCpuKernel(name, call);
    const out = backend.allocate(x.shape, 'bool');
    backend.kernels[kernel](sizeOf(x.shape), backend.address(x), backend.address(out));
    return out;
  };
}

export const Neg = unary('Neg', 'negate');
export const Square = unary('Square', 'square');
export const Sqrt = unary('Sqrt', 'squareRoot');
export const Rsqrt = unary('Rsqrt', 'reciprocalSquareRoot');
export const Reciprocal = unary('Reciprocal', 'reciprocal');
export const Abs = unary('Abs', 'absolute');
export const Exp = unary('Exp', 'exponential');
export const Expm1 = unary('Expm1', 'exponentialMinusOne');
export const Log = unary('Log', 'logarithm');
export const Log1p = unary('Log1p', 'logarithmOfOnePlus');
export const Sigmoid = unary('Sigmoid', 'sigmoid');
export const Tanh = unary('Tanh', 'hyperbolicTangent');
export const Erf = unary('Erf', 'errorFunction');
export const Relu = unary('Relu', 'relu');
export const Relu6 = unary('Relu6', 'relu6');
export const LeakyRelu = unary('LeakyRelu', 'leakyRelu', ({ alpha }) => [alpha]);
export const Elu = unary('Elu', 'elu');
export const Softplus = unary('Softplus', 'softplus');
export const ClipByValue = unary('ClipByValue', 'clip', ({ clipValueMin, clipValueMax }) => [
  clipValueMin,
  clipValueMax,
]);
export const Step = unary('Step', 'step', ({ alpha }) => [alpha]);
export const Sign = unary('Sign', 'sign');
export const IsNan = test('IsNan', 'isNaN', 'float32');
export const IsInf = test('IsInf', 'isInfinite', 'float32');
export const IsFinite = test('IsFinite', 'isFinite', 'float32');
export const LogicalNot = test('LogicalNot', 'logicalNot', 'bool');
