import { tf } from './tf.js';

/** Whether the backend in use has a kernel of this name: ours for our own ops, else one of TensorFlow.js. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel so that the tape sees it; an op with several outputs returns them in an array, one with any number of inputs takes one. */
export function runKernel<T extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: { readonly [name: string]: tf.Tensor | undefined } | readonly tf.Tensor[],
  attrs: { readonly [name: string]: unknown } = {},
): T {
  const present = Array.isArray(inputs)
    ? inputs
    : Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  const named = present as unknown as tf.NamedTensorMap;
  return tf.engine().runKernel(name, named, attrs as unknown as tf.NamedAttrMap) as unknown as T;
}
