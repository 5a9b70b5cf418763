import { tf } from './tf.js';

/** Whether the backend in use has a kernel of this name: ours for our own ops, else one of TensorFlow.js. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel so that the tape sees it; an op with several outputs returns them in an array. */
export function runKernel<T extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: { readonly [name: string]: tf.Tensor | undefined },
  attrs: { readonly [name: string]: unknown } = {},
): T {
  const present = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  return tf.engine().runKernel(name, present as tf.NamedTensorMap, attrs as unknown as tf.NamedAttrMap) as unknown as T;
}
