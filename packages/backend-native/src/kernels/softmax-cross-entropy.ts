import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Address } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import { float32Address, rowsOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** logits [R, V], labels [R] int32, mask [R, V], or [0, V] for none -> mean loss [], log-sum-exp of each row [R] */
export const SoftmaxCrossEntropy: NativeKernel = ({ inputs, backend }) => {
  const outputs = [backend.allocate([]), backend.allocate([inputs.logits.shape[0]])];
  backend.kernels.softmaxCrossEntropy(
    ...commonArguments(inputs, backend),
    ...outputs.map((tensor) => backend.address(tensor)),
  );
  return outputs;
};

/** The same inputs, the rows' log-sum-exp and dy [] -> dlogits */
export const SoftmaxCrossEntropyGradient: NativeKernel = ({ inputs, backend }) => {
  const { logits, logSums, dy } = inputs;
  const out = backend.allocate(logits.shape);
  backend.kernels.softmaxCrossEntropyGradient(
    ...commonArguments(inputs, backend),
    float32Address(backend, 'logSums', logSums, logits.shape[0]),
    float32Address(backend, 'dy', dy, 1),
    backend.address(out),
  );
  return out;
};

function commonArguments(
  { logits, labels, mask }: { readonly [name: string]: TensorInfo },
  backend: NativeBackend,
): [number, number, Address, Address, Address] {
  const { rows, width } = rowsOf(logits);
  // A label leads to an address, so each is looked at.
  for (const label of backend.view<Int32Array>(labels)) {
    if (label >= 0 && label < width) continue;
    throw new RangeError(`backend-native: labels must be in [0, ${width}), got ${label}; correct them`);
  }
  return [
    rows,
    width,
    float32Address(backend, 'logits', logits, rows * width),
    backend.address(labels),
    mask.shape[0] > 0 ? float32Address(backend, 'mask', mask, rows * width) : 0,
  ];
}
