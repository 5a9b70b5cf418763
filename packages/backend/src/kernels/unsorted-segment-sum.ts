import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { tf } from '../tf.js';

/**
 * Scatter-add of rows: out[segmentIds[i]] += x[i]. It is the gradient of `gather`, so every embedding needs it. TensorFlow.js
 * 4.22 has none on wasm, and on cpu one that loops over all table rows for each call (rows x ids x width).
 *
 * @param x           [ids, width] float32, row major
 * @param segmentIds  [ids] int32; ids outside [0, numSegments) are dropped, as TensorFlow does
 * @param out         [numSegments, width] float32, zeroed
 */
export function scatterAdd(x: Float32Array, segmentIds: Int32Array, out: Float32Array): void {
  if (segmentIds.length === 0) return;
  const width = x.length / segmentIds.length;
  const numSegments = out.length / width;
  for (let i = 0; i < segmentIds.length; i++) {
    const segment = segmentIds[i];
    if (segment < 0 || segment >= numSegments) continue;
    const from = i * width;
    const to = segment * width;
    for (let j = 0; j < width; j++) out[to + j] += x[from + j];
  }
}

interface CpuBackend extends tf.KernelBackend {
  data: tf.DataStorage<{ values: Float32Array | Int32Array }>;
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: Float32Array): tf.TensorInfo;
}

function outputShape(x: tf.TensorInfo, segmentIds: tf.TensorInfo, numSegments: number): number[] {
  return [numSegments, ...x.shape.slice(segmentIds.shape.length)];
}

type Inputs = { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
type Attrs = { numSegments: number };

/** Puts the kernel in place of the missing one (wasm) or the quadratic one (cpu). */
export function registerUnsortedSegmentSum(backendName: 'wasm' | 'cpu'): void {
  if (tf.getKernel('UnsortedSegmentSum', backendName)) tf.unregisterKernel('UnsortedSegmentSum', backendName);
  tf.registerKernel({ kernelName: 'UnsortedSegmentSum', backendName, kernelFunc: kernels[backendName] });
}

const kernels: Record<'wasm' | 'cpu', tf.KernelFunc> = {
  wasm: ({ inputs, attrs, backend }) => {
    const { x, segmentIds } = inputs as unknown as Inputs;
    const wasm = backend as BackendWasm;
    const out = wasm.makeOutput(outputShape(x, segmentIds, (attrs as unknown as Attrs).numSegments), 'float32');
    // Views are taken after the allocation: growing the heap detaches earlier ones.
    const values = wasm.typedArrayFromHeap(out) as Float32Array;
    values.fill(0);
    scatterAdd(
      wasm.typedArrayFromHeap(x) as Float32Array,
      wasm.typedArrayFromHeap(segmentIds) as unknown as Int32Array,
      values,
    );
    return out;
  },
  cpu: ({ inputs, attrs, backend }) => {
    const { x, segmentIds } = inputs as unknown as Inputs;
    const cpu = backend as CpuBackend;
    const shape = outputShape(x, segmentIds, (attrs as unknown as Attrs).numSegments);
    const values = new Float32Array(tf.util.sizeFromShape(shape));
    scatterAdd(
      cpu.data.get(x.dataId).values as Float32Array,
      cpu.data.get(segmentIds.dataId).values as Int32Array,
      values,
    );
    return cpu.makeTensorInfo(shape, 'float32', values);
  },
};
