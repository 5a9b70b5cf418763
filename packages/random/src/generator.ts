import type { Key } from './key.js';
import { philox } from './philox.js';

/** Draws numbers one after another from the stream that a key names. */
export interface Generator {
  /** Integer in [0, 2^32). */
  uint32(): number;
  /** Float in [0, 1) with 32 random bits. */
  uniform(): number;
  /** Integer in [0, bound), without modulo bias. */
  integer(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
}

export function createGenerator(key: Key): Generator {
  const block = new Uint32Array(4);
  let index = 0;
  let position = 4;
  let spareNormal: number | undefined;

  function uint32(): number {
    if (position === 4) {
      writeBlock(key, index++, block);
      position = 0;
    }
    return block[position++];
  }
  const uniform = () => uint32() / 2 ** 32;

  function integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`random: integer bound must be from 1 to 2^32, got ${bound}`);
    }
    // Values past the last whole multiple of the bound would favour small results: draw again.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % bound;
  }

  function normal(): number {
    if (spareNormal !== undefined) {
      const value = spareNormal;
      spareNormal = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((uint32() + 1) / 2 ** 32));
    const angle = 2 * Math.PI * uniform();
    spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  return { uint32, uniform, integer, normal };
}

/** Block `index` of a key's stream: four uint32. Any block can be had without those before it. */
export function writeBlock(key: Key, index: number, block: Uint32Array): void {
  block[0] = index >>> 0;
  block[1] = Math.floor(index / 2 ** 32);
  block[2] = 0;
  block[3] = 0;
  philox(key[0], key[1], block);
}

/** The numbers 0 .. count-1 in random order (Fisher-Yates). */
export function permutation(key: Key, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  shuffle(key, order);
  return order;
}

/** Shuffles in place (Fisher-Yates). */
export function shuffle<T>(key: Key, values: T[] | Int32Array | Float32Array): void {
  const generator = createGenerator(key);
  for (let i = values.length - 1; i > 0; i--) {
    const j = generator.integer(i + 1);
    const value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
}
