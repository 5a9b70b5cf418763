import type { Addon, Address } from './addon.js';

/** A piece of the arena: `bytes` usable bytes at `address`, which is `offset` into `buffer`. */
export interface Block {
  readonly address: Address;
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly sizeClass: number;
}

const alignment = 64;
const chunkBytes = 64 * 2 ** 20;

/**
 * Memory for tensors: large aligned chunks from the system, cut into blocks of size classes (four per power of two) that are
 * reused as soon as they are freed. A training step therefore touches the same pages again and again, and never the system.
 */
export class Arena {
  readonly #addon: Addon;
  /** By size class. */
  readonly #free: Block[][] = Array.from({ length: 4 * 32 }, () => []);
  /** What is left of the newest chunk. */
  #rest: { address: Address; buffer: ArrayBuffer; offset: number; end: number } | undefined;
  #reserved = 0;
  #used = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** Bytes taken from the system; they are kept for later tensors. */
  get bytesReserved(): number {
    return this.#reserved;
  }

  /** Bytes of the blocks in use, with what rounding up to a size class adds. */
  get bytesInUse(): number {
    return this.#used;
  }

  /** @returns a block of at least `bytes` bytes, aligned to 64, with undefined contents */
  allocate(bytes: number): Block {
    const sizeClass = sizeClassOf(bytes);
    const block = this.#reuse(sizeClass) ?? this.#cut(sizeClass, sizeOf(sizeClass));
    this.#used += sizeOf(block.sizeClass);
    return block;
  }

  free(block: Block): void {
    this.#used -= sizeOf(block.sizeClass);
    this.#free[block.sizeClass].push(block);
  }

  /** Of batches that differ in length no two tensors are of one class: a free block of up to twice the size will do. */
  #reuse(sizeClass: number): Block | undefined {
    for (let larger = sizeClass; larger <= sizeClass + 4; larger++) {
      const block = this.#free[larger]?.pop();
      if (block) return block;
    }
    return undefined;
  }

  #cut(sizeClass: number, size: number): Block {
    if (!this.#rest || this.#rest.end - this.#rest.offset < size) {
      const bytes = Math.max(size, chunkBytes);
      const { buffer, address } = this.#addon.allocate(bytes);
      this.#reserved += bytes;
      // A block as large as a chunk gets its own; the rest of the chunk before it stays in use.
      if (size === bytes) return { address, buffer, offset: 0, sizeClass };
      this.#rest = { address, buffer, offset: 0, end: bytes };
    }
    const { address, buffer, offset } = this.#rest;
    this.#rest.offset += size;
    return { address: address + offset, buffer, offset, sizeClass };
  }
}

/** The smallest class that holds `bytes`: class 4 p + q holds 2^p (1 + q / 4) units of 64 bytes. */
function sizeClassOf(bytes: number): number {
  const units = Math.max(1, Math.ceil(bytes / alignment));
  const power = 31 - Math.clz32(units);
  const quarter = Math.ceil((units / 2 ** power - 1) * 4);
  return 4 * power + quarter;
}

function sizeOf(sizeClass: number): number {
  const power = Math.floor(sizeClass / 4);
  return alignment * Math.ceil(2 ** power * (1 + (sizeClass % 4) / 4));
}
