import { availablePrecision, getPrecision, type Precision, selectBackend, setPrecision, tf } from '@codebeam/backend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { draw } from '../../backend/fixtures/layers.js';

/** 1 + 2^-10, which bfloat16 rounds to 1. */
const fine = 1 + 2 ** -10;
const product = () => tf.tidy(() => tf.matMul(tf.tensor2d([[fine]]), tf.tensor2d([[1]])).dataSync()[0]);

/** m, k, n and which factor is transposed: single elements, odd sizes, more than one block of rows and of k. */
const shapes: [number, number, number, boolean, boolean][] = [
  [1, 1, 1, false, false],
  [33, 71, 65, false, false],
  [130, 31, 17, false, true],
  [37, 1100, 5, true, false],
  [2, 2049, 34, true, true],
  [3, 0, 2, false, false],
];

describe('setPrecision', () => {
  beforeEach(() => selectBackend('native'));
  afterEach(() => {
    setPrecision('float32');
  });

  it('rounds what the products of native read', () => {
    expect([setPrecision('bfloat16'), getPrecision(), product()]).toEqual(['bfloat16', 'bfloat16', 1]);
    expect([setPrecision('float32'), getPrecision(), product()]).toEqual(['float32', 'float32', fine]);
  });

  it('multiplies sums of two bfloat16 within 3 * 2^-16 of the magnitudes', () => {
    setPrecision('bfloat16x3');
    expect(getPrecision()).toBe('bfloat16x3');
    expect(product()).toBe(fine);
    for (const [m, k, n, transposeA, transposeB] of shapes) {
      tf.tidy(() => {
        const a = draw(1, transposeA ? [k, m] : [m, k]);
        const b = draw(2, transposeB ? [n, k] : [k, n]);
        const found = tf.matMul(a, b, transposeA, transposeB).dataSync();
        const [left, right] = [a.dataSync(), b.dataSync()];
        for (let i = 0; i < m * n; i++) {
          let sum = 0;
          let magnitude = 0;
          for (let j = 0; j < k; j++) {
            const row = Math.floor(i / n);
            const term =
              left[transposeA ? j * m + row : row * k + j] * right[transposeB ? (i % n) * k + j : j * n + (i % n)];
            sum += term;
            magnitude += Math.abs(term);
          }
          // The sums' own rounding beside it.
          expect(Math.abs(found[i] - sum)).toBeLessThanOrEqual((3 * 2 ** -16 + 3 * k * 2 ** -24) * magnitude);
        }
      });
    }
  });

  it('stays with float32 on other backends', async () => {
    await selectBackend('wasm');
    expect([setPrecision('bfloat16'), getPrecision(), availablePrecision('bfloat16')]).toEqual(
      Array(3).fill('float32'),
    );
    expect(product()).toBe(fine);
  });

  it('refuses other words', () => {
    expect(() => setPrecision('float16' as Precision)).toThrow(
      'backend: precision must be float32, bfloat16, bfloat16x3',
    );
  });
});
