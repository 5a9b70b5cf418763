import { type Key, writeBlock } from '@codebeam/random';
import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

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

/**
 * residual + dropout(x), in one pass over both where the backend can: how a layer of a transformer ends.
 *
 * @param residual  the shape of x, float32
 * @throws RangeError when the shapes differ or rate is outside [0, 1)
 */
export function addDropout<T extends tf.Tensor>(residual: T, x: T, rate: number, key: Key): T {
  checkRate(rate);
  if (String(residual.shape) !== String(x.shape)) {
    throw new RangeError(
      `backend: residual must have the shape of x, [${x.shape}], got [${residual.shape}]; reshape one of them`,
    );
  }
  if (rate === 0) return tf.add(residual, x);
  if (hasKernel('AddDropout')) return runKernel<T>('AddDropout', { residual, x }, { rate, key });
  return tf.tidy(() => tf.add(residual, dropout(x, rate, key)));
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

function checkRate(rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new RangeError(`backend: dropout rate must be in [0, 1), got ${rate}; 0 switches dropout off`);
}
