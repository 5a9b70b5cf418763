import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** ofInput [B, 3H], bias [3H], ofHidden [B, 3H], hiddenBias [3H], state [B, H] -> [B, H] */
export const GruCell: NativeKernel = ({ inputs, backend }) => {
  const out = backend.allocate(inputs.state.shape);
  backend.kernels.gruCell(...cellArguments(inputs, backend), backend.address(out));
  return out;
};

/** The same and dy [B, H] -> the gradients by each */
export const GruCellGradient: NativeKernel = ({ inputs, backend }) => {
  const { ofInput, bias, ofHidden, hiddenBias, state, dy } = inputs;
  const gradients = [ofInput, bias, ofHidden, hiddenBias, state].map(({ shape }) => backend.allocate(shape));
  backend.kernels.gruCellGradient(
    ...cellArguments(inputs, backend),
    float32Address(backend, 'dy', dy, state.shape[0] * state.shape[1]),
    ...gradients.map((tensor) => backend.address(tensor)),
  );
  return gradients;
};

function cellArguments(inputs: { readonly [name: string]: TensorInfo }, backend: NativeBackend): number[] {
  const { ofInput, bias, ofHidden, hiddenBias, state } = inputs;
  const [rows, units] = state.shape;
  return [
    rows,
    units,
    float32Address(backend, 'ofInput', ofInput, rows * 3 * units),
    float32Address(backend, 'bias', bias, 3 * units),
    float32Address(backend, 'ofHidden', ofHidden, rows * 3 * units),
    float32Address(backend, 'hiddenBias', hiddenBias, 3 * units),
    float32Address(backend, 'state', state, rows * units),
  ];
}
