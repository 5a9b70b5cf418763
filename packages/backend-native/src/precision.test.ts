import { availablePrecision, getPrecision, type Precision, selectBackend, setPrecision, tf } from '@codebeam/backend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** 1 + 2^-10, which bfloat16 rounds to 1. */
const fine = 1 + 2 ** -10;
const product = () => tf.tidy(() => tf.matMul(tf.tensor2d([[fine]]), tf.tensor2d([[1]])).dataSync()[0]);

describe('setPrecision', () => {
  beforeEach(() => selectBackend('native'));
  afterEach(() => {
    setPrecision('float32');
  });

  it('rounds what the products of native read', () => {
    expect([setPrecision('bfloat16'), getPrecision(), product()]).toEqual(['bfloat16', 'bfloat16', 1]);
    expect([setPrecision('float32'), getPrecision(), product()]).toEqual(['float32', 'float32', fine]);
  });

  it('stays with float32 on other backends', async () => {
    await selectBackend('wasm');
    expect([setPrecision('bfloat16'), getPrecision(), availablePrecision('bfloat16')]).toEqual(
      Array(3).fill('float32'),
    );
    expect(product()).toBe(fine);
  });

  it('refuses other words', () => {
    expect(() => setPrecision('float16' as Precision)).toThrow('backend: precision must be float32 or bfloat16');
  });
});
