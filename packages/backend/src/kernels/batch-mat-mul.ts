import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { tf } from '../tf.js';
import { type MatrixBatch, multiplySmallMatrices } from './small-matrix-products.js';

/** What TensorFlow.js 4.22 keeps private: the heap's addresses, the table of tensors that its C++ kernels see. */
type Wasm = Pick<BackendWasm, 'makeOutput'> & {
  dataIdNextNumber: number;
  dataIdMap: tf.DataStorage<{ memoryOffset: number }>;
  wasm: {
    tfjs: {
      registerTensor(id: number, size: number, memoryOffset: number): void;
      disposeData(id: number): void;
    };
    cwrap(name: string, returns: null, args: string[]): Multiply;
  };
};
/** Ids, shapes (as bytes) and ranks of both operands, whether they are transposed, id of the product. */
type Multiply = (...args: [number, Uint8Array, number, number, Uint8Array, number, number, number, number]) => void;
type Attrs = { transposeA: boolean; transposeB: boolean };

/** With fewer multiplications a matrix of a batch is not worth the setting-up of an XNNPACK product of its own. */
const minMultiplications = 2 ** 13;

let registered = false;

/**
 * Sends the matrix products of the wasm backend past its slow loops. TensorFlow.js 4.22 hands only one plain
 * two-dimensional product to XNNPACK; transposed ones, which both gradients of a product are, and batches, which attention
 * is, run through scalar loops ten times slower. So operands are transposed first, a batch of large matrices is taken
 * matrix by matrix, and one of small matrices by a loop of our own.
 */
export function registerBatchMatMul(): void {
  if (registered) return;
  registered = true;
  const name = tf.BatchMatMul;
  const kernel = tf.getKernel(name, 'wasm');
  const transpose = tf.getKernel(tf.Transpose, 'wasm').kernelFunc;
  tf.unregisterKernel(name, 'wasm');

  let multiply: Multiply;
  tf.registerKernel({
    ...kernel,
    // The backend has loaded its code by then.
    setupFunc: (backend) => {
      kernel.setupFunc?.(backend);
      const [number, array] = ['number', 'array'];
      const args = [number, array, number, number, array, number, number, number, number];
      multiply = (backend as Wasm).wasm.cwrap('BatchMatMul', null, args);
    },
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { transposeA, transposeB } = attrs as unknown as Attrs;
      const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const batch = tf.util.sizeFromShape(a.shape.slice(0, -2));
      const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
      const inner = a.shape[a.shape.length - (transposeA ? 2 : 1)];
      const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)];
      const isBatch = String(a.shape.slice(0, -2)) === String(b.shape.slice(0, -2)) && batch > 1;
      if (!isBatch && (batch > 1 || b.shape.slice(0, -2).some((n) => n !== 1))) {
        return kernel.kernelFunc({ inputs, attrs, backend });
      }
      if (isBatch && rows * inner * columns < minMultiplications) {
        const wasm = backend as BackendWasm;
        const out = wasm.makeOutput([...a.shape.slice(0, -2), rows, columns], 'float32');
        const matrices = (x: tf.TensorInfo, transposed: boolean): MatrixBatch => {
          const values = wasm.typedArrayFromHeap(x) as Float32Array;
          const width = x.shape[x.shape.length - 1];
          return transposed ? { values, down: 1, right: width } : { values, down: width, right: 1 };
        };
        const product = wasm.typedArrayFromHeap(out) as Float32Array;
        multiplySmallMatrices(matrices(a, transposeA), matrices(b, transposeB), product, [batch, rows, inner, columns]);
        return out;
      }

      const made: tf.TensorInfo[] = [];
      const plain = (x: tf.TensorInfo, transposed: boolean) => {
        if (!transposed) return x;
        const perm = x.shape.map((_, axis) => axis);
        [perm[perm.length - 2], perm[perm.length - 1]] = [perm.length - 1, perm.length - 2];
        const result = transpose({ inputs: { x }, attrs: { perm }, backend }) as tf.TensorInfo;
        made.push(result);
        return result;
      };
      const operands = { a: plain(a, transposeA), b: plain(b, transposeB) };
      const product = isBatch
        ? multiplyEach(multiply, operands.a, operands.b, batch, backend as unknown as Wasm)
        : kernel.kernelFunc({ inputs: operands, attrs: { transposeA: false, transposeB: false }, backend });
      for (const { dataId } of made) (backend as tf.KernelBackend).disposeData(dataId);
      return product;
    },
  });
}

/** [..., I, J] x [..., J, O] -> [..., I, O], one XNNPACK product for each matrix of the batch. */
function multiplyEach(
  multiply: Multiply,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  batch: number,
  backend: Wasm,
): tf.TensorInfo {
  const [rows, inner] = a.shape.slice(-2);
  const columns = b.shape[b.shape.length - 1];
  const out = backend.makeOutput([...a.shape.slice(0, -1), columns], 'float32');
  const { tfjs } = backend.wasm;
  const bytes = (shape: number[]) => new Uint8Array(Int32Array.from(shape).buffer);
  const [aShape, bShape] = [bytes([1, rows, inner]), bytes([1, inner, columns])];
  // Tensors without data of their own: they look at one matrix each of the three that have.
  const windows = [a, b, out].map(({ dataId }, i) => ({
    id: backend.dataIdNextNumber++,
    offset: backend.dataIdMap.get(dataId).memoryOffset,
    size: [rows * inner, inner * columns, rows * columns][i],
  }));
  const [aId, bId, outId] = windows.map(({ id }) => id);
  for (let i = 0; i < batch; i++) {
    for (const { id, offset, size } of windows) tfjs.registerTensor(id, size, offset + 4 * i * size);
    multiply(aId, aShape, 3, bId, bShape, 3, 0, 0, outId);
    // XNNPACK's packed copy of b goes with it.
    for (const { id } of windows) tfjs.disposeData(id);
  }
  return out;
}
