import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { addressesOf, float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** hidden [R, D], classes [V, D], labels [R] int32, mask [R, V], or [0, V] for none -> mean loss [], log-sum-exp of each row [R] */
export const SoftmaxCrossEntropy: NativeKernel = ({ inputs, backend }) => {
  const outputs = [backend.allocate([]), backend.allocate([inputs.hidden.shape[0]])];
  backend.kernels.softmaxCrossEntropy(
    ...commonArguments(inputs, backend),
    ...outputs.map((tensor) => backend.address(tensor)),
  );
  return outputs;
};

/** The same inputs, the rows' log-sum-exp and dy [] -> dhidden, dclasses */
export const SoftmaxCrossEntropyGradient: NativeKernel = ({ inputs, backend }) => {
  const { hidden, classes, logSums, dy } = inputs;
  const outputs = [hidden, classes].map(({ shape }) => backend.allocate(shape));
  backend.kernels.softmaxCrossEntropyGradient(
    ...commonArguments(inputs, backend),
    float32Address(backend, 'logSums', logSums, hidden.shape[0]),
    float32Address(backend, 'dy', dy, 1),
    ...outputs.map((tensor) => backend.address(tensor)),
  );
  return outputs;
};

/** The arguments that `CROSS_ENTROPY` in native/kernels/softmax-cross-entropy.h names. */
function commonArguments(
  { hidden, classes, labels, mask }: { readonly [name: string]: TensorInfo },
  backend: NativeBackend,
): number[] {
  const [rows, width] = hidden.shape;
  const [count] = classes.shape;
  // A label leads to an address, so each is looked at.
  for (const label of backend.view<Int32Array>(labels)) {
    if (label >= 0 && label < count) continue;
    throw new RangeError(`backend-native: labels must be in [0, ${count}), got ${label}; correct them`);
  }
  return [
    backend.precisionNumber,
    ...addressesOf(backend, { hidden, classes }),
    rows,
    count,
    width,
    backend.address(labels),
    mask.shape[0] > 0 ? float32Address(backend, 'mask', mask, rows * count) : 0,
  ];
}
