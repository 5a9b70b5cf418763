import { philox } from './philox.js';

/** What the numbers are for. Streams of different purposes never overlap, so adding a draw to one moves no other. */
export type Purpose = 'init' | 'shuffle' | 'dropout' | 'sample';

/** Names one stream of random numbers: two uint32. */
export type Key = readonly [number, number];

const purposes: readonly Purpose[] = ['init', 'shuffle', 'dropout', 'sample'];

/**
 * The key of a seed's stream for one purpose.
 *
 * @param seed  integer in [0, 2^53)
 * @throws RangeError when the seed is not such an integer
 */
export function createKey(seed: number, purpose: Purpose): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`random: seed must be an integer from 0 to 2^53 - 1, got ${seed}; choose another seed`);
  }
  return foldIn([seed >>> 0, Math.floor(seed / 2 ** 32)], purposes.indexOf(purpose));
}

/** A new key from a key and a number (an epoch, a step, a layer ...), independent of its parent's stream. */
export function foldIn(key: Key, data: number): Key {
  const block = new Uint32Array([data >>> 0, Math.floor(data / 2 ** 32), 0x666f6c64, 0x696e]);
  philox(key[0], key[1], block);
  return [block[0], block[1]];
}
