import { tf } from '../tf.js';

/**
 * On wasm TensorFlow.js 4.22 copies what it clones, and clones whenever it casts to the type at hand, which gradients do
 * all the time. Tensors never change, so the copy can be the same memory with one more holder, as it is on other backends.
 */
export function registerIdentity(): void {
  tf.unregisterKernel(tf.Identity, 'wasm');
  tf.registerKernel({
    kernelName: tf.Identity,
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }) => {
      const { dataId, shape, dtype } = inputs.x as tf.TensorInfo;
      (backend as tf.KernelBackend).incRef(dataId);
      return { dataId, shape, dtype };
    },
  });
}
