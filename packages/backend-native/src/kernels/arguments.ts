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
