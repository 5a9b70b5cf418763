import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { Addon, Address, Kernels } from './addon.js';
import { Arena, type Block } from './arena.js';

/** How matrix products round their inputs (see `Precision` of @codebeam/backend), in the order that native/kernels/gemm.h numbers. */
const precisions = ['float32', 'bfloat16', 'bfloat16x3'] as const;
export type Precision = (typeof precisions)[number];

type Numbers = Float32Array | Int32Array | Uint8Array;

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
const maxList = 64;
const isNumeric = (dtype: DataType): dtype is keyof typeof arrays => dtype in arrays;

/** What the backend knows of a tensor. `values` is a view of the arena, made when JavaScript first wants to look. */
class NativeData {
  refCount = 1;
  readonly dtype: DataType;
  readonly block: Block;
  readonly #length: number;
  #view: Numbers | undefined;

  constructor(dtype: keyof typeof arrays, block: Block, length: number) {
    this.dtype = dtype;
    this.block = block;
    this.#length = length;
  }

  get values(): Numbers {
    this.#view ??= new arrays[this.dtype as keyof typeof arrays](this.block.buffer, this.block.offset, this.#length);
    return this.#view;
  }
}

/**
 * TensorFlow.js on C++ kernels. Tensors live in an arena that native kernels reach by address. It extends the cpu backend, so
 * that an op without a native kernel runs TensorFlow.js's own one on the same memory.
 */
export class NativeBackend extends MathBackendCPU {
  readonly kernels: Kernels;
  readonly instructionSet: string;
  precision: Precision = 'float32';
  readonly #addon: Addon;
  readonly #arena: Arena;
  readonly #list: Block;
  readonly #listValues: Float64Array;

  /**
   * @param instructionSet  the best when left out
   * @throws RangeError when the addon or the machine lacks it
   */
  constructor(addon: Addon, instructionSet = addon.instructionSets()[0]) {
    super();
    const available = addon.instructionSets();
    if (!available.includes(instructionSet)) {
      throw new RangeError(
        `backend-native: instruction set must be one of ${available.join(', ')}, got ${instructionSet}; build.mjs --all builds all that a machine may have`,
      );
    }
    this.#addon = addon;
    this.#arena = new Arena(addon);
    this.#list = this.#arena.allocate(8 * maxList);
    this.#listValues = new Float64Array(this.#list.buffer, this.#list.offset, maxList);
    this.instructionSet = instructionSet;
    this.kernels = addon.kernels(instructionSet);
  }

  /** What kernels with matrix products take as their first argument. */
  get precisionNumber(): number {
    return precisions.indexOf(this.precision);
  }

  get threads(): number {
    return this.#addon.getThreads();
  }

  /** Results do not depend on it, only their time. */
  setThreads(threads: number): void {
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new RangeError(`backend-native: threads must be an integer of at least 1, got ${threads}`);
    }
    this.#addon.setThreads(threads);
  }

  /**
   * A new tensor with undefined contents, for a kernel to fill.
   *
   * @param behind  elements in the same block after the tensor's own, which only kernels see
   */
  allocate(shape: readonly number[], dtype: keyof typeof arrays = 'float32', behind = 0): TensorInfo {
    const dataId = {};
    this.data.set(dataId, this.#allocate(dtype, sizeOf(shape), behind) as never);
    return { dataId, shape: shape as number[], dtype };
  }

  /** Where the elements of a tensor lie, row major. */
  address({ dataId, dtype }: TensorInfo): Address {
    const data = this.data.get(dataId) as unknown as NativeData;
    // A cast that shares memory, as the cpu backend makes them, would have a kernel take the bits of one type for another's.
    if (data.dtype !== dtype) throw new TypeError(`backend-native: tensor must hold ${dtype}, got ${data.dtype}`);
    return data.block.address;
  }

  /** Numbers for a kernel that takes a list (`const double*`), up to 64. Good until the next list. */
  list(numbers: readonly number[]): Address {
    this.#listValues.set(numbers);
    return this.#list.address;
  }

  /** The elements themselves; do not keep. */
  view<T extends Numbers = Float32Array>({ dataId }: TensorInfo): T {
    return (this.data.get(dataId) as unknown as NativeData).values as T;
  }

  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: object,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if (!isNumeric(dtype)) {
      // Strings and complex numbers stay JavaScript's.
      super.move(dataId, values, shape, dtype, refCount);
      return;
    }
    const data = this.#allocate(dtype, sizeOf(shape));
    if (values) data.values.set(values as Numbers);
    data.refCount = refCount;
    this.data.set(dataId, data as never);
  }

  /** A copy: the tensor's memory is reused after it is disposed. */
  override readSync(dataId: object): backend_util.BackendValues {
    const data = this.data.get(dataId);
    return data instanceof NativeData ? data.values.slice() : super.readSync(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    const data = this.data.has(dataId) ? this.data.get(dataId) : undefined;
    if (!(data instanceof NativeData)) return super.disposeData(dataId, force);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    this.#arena.free(data.block);
    this.data.delete(dataId);
    return true;
  }

  override memory(): { unreliable: boolean; reasons: string[]; bytesReserved: number; bytesInUse: number } {
    const { bytesReserved, bytesInUse } = this.#arena;
    return { unreliable: false, reasons: [], bytesReserved, bytesInUse };
  }

  #allocate(dtype: keyof typeof arrays, length: number, behind = 0): NativeData {
    const block = this.#arena.allocate((length + behind) * arrays[dtype].BYTES_PER_ELEMENT);
    return new NativeData(dtype, block, length);
  }
}

function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}
