import { broadcast_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { runCpuKernel } from '../fallback.js';
import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

const activations: { readonly [name: string]: number } = { linear: 0, relu: 1 };

/** a [..., M, K] times b [..., K, N] -> [..., M, N]; either one transposed, batches broadcast. */
export const BatchMatMul: NativeKernel = (call) => {
  const { inputs, attrs, backend } = call;
  if (inputs.a.dtype !== 'float32') return runCpuKernel('BatchMatMul', call);
  return multiply(inputs.a, inputs.b, attrs.transposeA, attrs.transposeB, backend);
};

/** The same with a bias [N] and relu. Other activations and PReLU weights are no part of Codebeam. */
export const _FusedMatMul: NativeKernel = ({ inputs: { a, b, bias }, attrs, backend }) => {
  const activation = activations[attrs.activation];
  if (
    activation === undefined ||
    (bias && bias.shape.length > 1 && util.sizeFromShape(bias.shape) !== bias.shape.at(-1))
  ) {
    throw new RangeError(
      `backend-native: a fused product must have activation linear or relu and a bias of one row, got ${attrs.activation}; use matMul and the activation's own op`,
    );
  }
  return multiply(a, b, attrs.transposeA, attrs.transposeB, backend, bias, activation);
};

function multiply(
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  backend: NativeBackend,
  bias?: TensorInfo,
  activation = 0,
): TensorInfo {
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== inner) {
    throw new RangeError(`backend-native: inner sizes of a matrix product must agree, got ${k} and ${inner}`);
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = backend.allocate([...batch, m, n]);
  const [count, countA, countB] = [batch, batchA, batchB].map((shape) => util.sizeFromShape(shape));
  if ((countA !== count && countA !== 1) || (countB !== count && countB !== 1)) {
    throw new RangeError(
      `backend-native: batches of a matrix product must be equal or one, got [${batchA}] and [${batchB}]; tile one of them`,
    );
  }
  const [addressA, addressB] = addressesOf(backend, { a, b });
  backend.kernels.matMul(
    backend.precisionNumber,
    transposeA,
    transposeB,
    count,
    m,
    n,
    k,
    addressA,
    countA === 1 ? 0 : m * k,
    addressB,
    countB === 1 ? 0 : k * n,
    backend.address(out),
    bias ? backend.address(bias) : 0,
    activation,
  );
  return out;
}
