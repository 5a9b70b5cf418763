import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Address } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x [R, I], and of each layer weight [I, O] and bias [O] -> [R, O]. The hidden layers lie behind it, for the gradient. */
export const Mlp: NativeKernel = ({ inputs, backend }) => {
  const [x, ...weights] = Object.values(inputs);
  const [rows] = x.shape;
  const layers = layersOf(weights);
  const widths = layers.map(({ bias }) => bias.shape[0]);
  const last = widths[widths.length - 1];
  const hidden = rows * (widths.reduce((sum, width) => sum + width, 0) - last);
  const y = backend.allocate([rows, last], 'float32', hidden);
  const list = listOf(layers, backend);
  const address = addressesOf(backend, { x });
  backend.kernels.mlp(backend.precisionNumber, layers.length, list, ...address, rows, backend.address(y));
  return y;
};

/** and y and dy [R, O] -> what reaches the first layer's sum [R, O], and the gradients of the weights and biases in their order. */
export const MlpGradient: NativeKernel = ({ inputs, backend }) => {
  const [x, ...rest] = Object.values(inputs);
  const [y, dy] = rest.splice(-2);
  const [rows] = x.shape;
  const layers = layersOf(rest);
  const first = backend.allocate([rows, layers[0].bias.shape[0]]);
  const gradients = rest.map(({ shape }) => backend.allocate(shape));
  backend.kernels.mlpGradient(
    backend.precisionNumber,
    layers.length,
    listOf(layers, backend, layersOf(gradients)),
    ...addressesOf(backend, { x }),
    rows,
    ...addressesOf(backend, { y, dy }),
    backend.address(first),
  );
  return [first, ...gradients];
};

interface Layer {
  weight: TensorInfo;
  bias: TensorInfo;
}

function layersOf(tensors: TensorInfo[]): Layer[] {
  return Array.from({ length: tensors.length / 2 }, (_, i) => ({ weight: tensors[2 * i], bias: tensors[2 * i + 1] }));
}

/** The six numbers of each layer that `mlp_layers` in native/kernels/mlp.h reads. */
function listOf(layers: Layer[], backend: NativeBackend, gradients?: Layer[]): Address {
  const addresses = ({ weight, bias }: Layer) => addressesOf(backend, { weight, bias });
  return backend.list(
    layers.flatMap((layer, i) => [
      ...layer.weight.shape,
      ...addresses(layer),
      ...(gradients ? addresses(gradients[i]) : [0, 0]),
    ]),
  );
}
