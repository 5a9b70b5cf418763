import { type Key, writeBlock } from '@codebeam/random';
import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** How one use of dropout is to be made: an op that drops within takes it as an option. */
export interface DropoutDraw {
  rate: number;
  key: Key;
}

export const noDraw: DropoutDraw = { rate: 0, key: [0, 0] };

/**
 * Inverted dropout: zeroes each element with probability `rate` and scales the rest by 1 / (1 - rate).
 * Srivastava et al. 2014. The mask is a pure function of the key, so a resumed step drops the same elements.
 *
 * @param x     any shape, float32
 * @param rate  in [0, 1); 0 returns x itself
 * @param key   one key per call site and step (`foldIn`)
 * @throws RangeError when rate is outside [0, 1)
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, key: Key): T {
  checkRate(rate);
  if (rate === 0) return x;
  if (hasKernel('Dropout')) return runKernel<T>('Dropout', { x }, { rate, key });
  return tf.tidy(() => tf.mul(x, tf.tensor(dropoutMask(x.size, rate, key), x.shape))) as T;
}

/** [size] float32 of 0 and 1 / (1 - rate). Each 32-bit word decides two elements (rates are met to 1 / 65,536). */
export function dropoutMask(size: number, rate: number, key: Key): Float32Array {
  const mask = new Float32Array(size);
  const keep = 1 / (1 - rate);
  const threshold = Math.round(rate * 65536);
  const words = new Uint32Array(4);
  const halves = new Uint16Array(words.buffer);
  for (let start = 0, block = 0; start < size; start += 8, block++) {
    writeBlock(key, block, words);
    const end = Math.min(8, size - start);
    for (let i = 0; i < end; i++) mask[start + i] = halves[i] < threshold ? 0 : keep;
  }
  return mask;
}

/** @throws RangeError when rate is outside [0, 1) */
export function checkRate(rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new RangeError(`backend: dropout rate must be in [0, 1), got ${rate}; 0 switches dropout off`);
}
