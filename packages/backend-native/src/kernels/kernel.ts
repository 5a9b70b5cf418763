import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.js';

/** A kernel as TensorFlow.js calls it: named inputs and attributes in, new tensors out. Inputs are never changed, but by `UpdateRows`. */
export type NativeKernel = (call: {
  inputs: { readonly [name: string]: TensorInfo };
  // biome-ignore lint/suspicious/noExplicitAny: each kernel knows the attributes of its own op
  attrs: any;
  backend: NativeBackend;
}) => TensorInfo | TensorInfo[];
