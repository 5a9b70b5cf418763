import { tf } from '../tf.js';

type Attrs = { transposeA: boolean; transposeB: boolean };

let registered = false;

/**
 * Sends transposed matrix products of the wasm backend through its fast path. TensorFlow.js 4.22 hands only plain
 * two-dimensional products to XNNPACK; any transposed one runs through scalar loops ten times slower, and both
 * gradients of a product are such. Transposing first costs little beside that.
 */
export function registerBatchMatMul(): void {
  if (registered) return;
  registered = true;
  const name = tf.BatchMatMul;
  const kernel = tf.getKernel(name, 'wasm');
  const transpose = tf.getKernel(tf.Transpose, 'wasm').kernelFunc;
  tf.unregisterKernel(name, 'wasm');

  tf.registerKernel({
    ...kernel,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { transposeA, transposeB } = attrs as unknown as Attrs;
      const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const single = a.shape.slice(0, -2).every((n) => n === 1) && b.shape.slice(0, -2).every((n) => n === 1);
      if (!single || (!transposeA && !transposeB)) return kernel.kernelFunc({ inputs, attrs, backend });

      const made: tf.TensorInfo[] = [];
      const plain = (x: tf.TensorInfo, transposed: boolean) => {
        if (!transposed) return x;
        const perm = x.shape.map((_, axis) => axis);
        [perm[perm.length - 2], perm[perm.length - 1]] = [perm.length - 1, perm.length - 2];
        const result = transpose({ inputs: { x }, attrs: { perm }, backend }) as tf.TensorInfo;
        made.push(result);
        return result;
      };
      const product = kernel.kernelFunc({
        inputs: { a: plain(a, transposeA), b: plain(b, transposeB) },
        attrs: { transposeA: false, transposeB: false },
        backend,
      });
      for (const { dataId } of made) (backend as tf.KernelBackend).disposeData(dataId);
      return product;
    },
  });
}
