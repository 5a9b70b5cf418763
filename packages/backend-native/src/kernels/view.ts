import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';

/** The same elements in another shape. They are shared, since tensors never change. */
export function view({ dataId, dtype }: TensorInfo, shape: number[], backend: NativeBackend): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
