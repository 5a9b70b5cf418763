import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';
import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

interface AttentionAttrs {
  heads: number;
  causal: boolean;
  zeroDistance: number;
  rate: number;
  key: readonly [number, number];
}

/** query [Q, H*E], key and value [S, H*E] -> output [Q, H*E] and each row's log-sum-exp of scores [Q, H]. */
export const Attention: NativeKernel = ({ inputs, attrs, backend }) => {
  const { query, key, value } = inputs;
  const out = backend.allocate(query.shape);
  const logSums = backend.allocate([query.shape[0], attrs.heads]);
  backend.kernels.attention(
    ...shapeOf(inputs, attrs, backend),
    ...addressesOf(backend, { query, key, value }),
    backend.address(out),
    backend.address(logSums),
  );
  return [out, logSums];
};

export const AttentionGradient: NativeKernel = ({ inputs, attrs, backend }) => {
  const { query, key, value, bias, logSums, dy } = inputs;
  const gradients = [query, key, value, bias].map(({ shape }) => backend.allocate(shape));
  backend.kernels.attentionGradient(
    ...shapeOf(inputs, attrs, backend),
    ...addressesOf(backend, { query, key, value, logSums, dy }),
    ...gradients.slice(0, 3).map((tensor) => backend.address(tensor)),
    bias.shape[1] > 0 ? backend.address(gradients[3]) : 0,
  );
  return gradients;
};

/** The arguments that `ATTENTION_SHAPE` in native/kernels/attention.h names. A bias without columns is none. */
function shapeOf(
  { query, bias, queryOffsets, keyOffsets }: { readonly [name: string]: TensorInfo },
  { heads, causal, zeroDistance, rate, key }: AttentionAttrs,
  backend: NativeBackend,
): (number | boolean)[] {
  const offsets = backend.view<Int32Array>(keyOffsets);
  let longest = 0;
  for (let b = 1; b < offsets.length; b++) longest = Math.max(longest, offsets[b] - offsets[b - 1]);
  return [
    backend.address(queryOffsets),
    backend.address(keyOffsets),
    offsets.length - 1,
    heads,
    query.shape[1] / heads,
    bias.shape[1] > 0 ? backend.address(bias) : 0,
    bias.shape[1],
    zeroDistance,
    causal,
    Math.round(rate * 65536),
    1 / (1 - rate),
    key[0],
    key[1],
    Math.ceil(longest / 8),
  ];
}
