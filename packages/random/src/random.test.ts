import { describe, expect, it } from 'vitest';
import { createGenerator, createKey, foldIn, permutation, philox, writeBlock } from './index.js';

const hex = (block: Uint32Array) => Array.from(block, (word) => word.toString(16).padStart(8, '0')).join(' ');

describe('philox', () => {
  // Known-answer vectors of the authors' Random123 distribution (kat_vectors, philox4x32 10).
  it.each([
    [[0, 0], [0, 0, 0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('gives the published words for key %j', (key, counter, expected) => {
    const block = Uint32Array.from(counter);
    philox(key[0], key[1], block);
    expect(hex(block)).toBe(expected);
  });
});

describe('createGenerator', () => {
  it('repeats itself for the same seed and purpose', () => {
    const draw = () => {
      const generator = createGenerator(createKey(7, 'init'));
      return Array.from({ length: 9 }, () => generator.uint32());
    };
    expect(draw()).toEqual(draw());
  });

  it('walks the blocks of its key in order', () => {
    const key = createKey(7, 'sample');
    const generator = createGenerator(key);
    const block = new Uint32Array(4);
    for (const index of [0, 1, 2]) {
      writeBlock(key, index, block);
      for (const word of block) expect(generator.uint32()).toBe(word);
    }
  });

  it('gives different purposes, seeds and folds different streams', () => {
    const first = (key: readonly [number, number]) => createGenerator(key).uint32();
    const key = createKey(1, 'init');
    const values = [key, createKey(1, 'shuffle'), createKey(2, 'init'), createKey(1 + 2 ** 32, 'init'), foldIn(key, 0)];
    expect(new Set(values.map(first)).size).toBe(values.length);
  });

  it('draws uniforms with mean 1/2 and normals with mean 0 and variance 1', () => {
    const generator = createGenerator(createKey(3, 'sample'));
    const n = 20_000;
    let uniforms = 0;
    let normals = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      uniforms += generator.uniform();
      const z = generator.normal();
      normals += z;
      squares += z * z;
    }
    // Five standard errors.
    expect(Math.abs(uniforms / n - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(normals / n)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(squares / n - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  it('draws integers evenly below a bound that does not divide 2^32', () => {
    const generator = createGenerator(createKey(3, 'sample'));
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[generator.integer(3)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(30_000 * (2 / 9)));
  });

  it('refuses seeds and bounds that make no sense', () => {
    expect(() => createKey(-1, 'init')).toThrow('random: seed must be an integer from 0 to 2^53 - 1, got -1');
    expect(() => createGenerator([0, 0]).integer(0)).toThrow('random: integer bound must be from 1 to 2^32, got 0');
  });
});

describe('permutation', () => {
  it('holds every number once', () => {
    expect(Array.from(permutation(createKey(5, 'shuffle'), 100)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });
});
