import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Address } from '../addon.js';
import type { NativeBackend } from '../backend.js';

/**
 * The address of a tensor that a kernel will read `size` float32 from.
 *
 * @throws TypeError or RangeError when it does not hold them
 */
export function float32Address(backend: NativeBackend, name: string, x: TensorInfo, size: number): Address {
  if (x.dtype !== 'float32') {
    throw new TypeError(`backend-native: ${name} must be float32, got ${x.dtype}; cast it`);
  }
  if (util.sizeFromShape(x.shape) !== size) {
    throw new RangeError(`backend-native: ${name} must have ${size} elements, got shape [${x.shape}]; reshape it`);
  }
  return backend.address(x);
}

/** The addresses of float32 tensors, in order. */
export function addressesOf(backend: NativeBackend, tensors: { readonly [name: string]: TensorInfo }): Address[] {
  return Object.entries(tensors).map(([name, x]) => float32Address(backend, name, x, util.sizeFromShape(x.shape)));
}

/** A tensor seen as rows of its last axis. */
export function rowsOf({ shape }: TensorInfo): { rows: number; width: number } {
  const width = shape[shape.length - 1];
  return { rows: util.sizeFromShape(shape.slice(0, -1)), width };
}

/** What `native/dropout.h` wants to know of a rate: the threshold of 16 bits, and the factor of what is kept. */
export function dropoutThreshold(rate: number): [number, number] {
  return [Math.round(rate * 65536), 1 / (1 - rate)];
}

export interface AttentionAttrs {
  heads: number;
  causal: boolean;
  zeroDistance: number;
  rate: number;
  key: readonly [number, number];
}

/**
 * The arguments that `ATTENTION_SHAPE` in native/kernels/attention.h names. A bias without columns is none.
 *
 * @param width  H*E
 */
export function attentionShape(
  { bias, queryOffsets, keyOffsets }: { readonly [name: string]: TensorInfo },
  width: number,
  { heads, causal, zeroDistance, rate, key }: AttentionAttrs,
  backend: NativeBackend,
): (number | boolean)[] {
  return [
    backend.address(queryOffsets),
    backend.address(keyOffsets),
    keyOffsets.shape[0] - 1,
    heads,
    width / heads,
    bias.shape[1] > 0 ? backend.address(bias) : 0,
    bias.shape[1],
    zeroDistance,
    causal,
    ...dropoutThreshold(rate),
    ...key,
  ];
}
