import { selectBackend, tf, topKProducts } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

interface Case {
  queries: number;
  items: number;
  width: number;
  k: number;
  exclude?: boolean;
}

const cases: Case[] = [
  { queries: 0, items: 4, width: 2, k: 2 },
  { queries: 1, items: 1, width: 1, k: 1 },
  { queries: 3, items: 9, width: 5, k: 9, exclude: true },
  { queries: 101, items: 513, width: 17, k: 10, exclude: true },
  { queries: 30, items: 2000, width: 64, k: 50 },
  { queries: 5, items: 700, width: 2500, k: 3, exclude: true },
  { queries: 2, items: 40_000, width: 130, k: 20, exclude: true },
  { queries: 4, items: 6, width: 0, k: 2 },
];

const normals = (seed: number, size: number) => {
  const generator = createGenerator(createKey(seed, 'sample'));
  return Float32Array.from({ length: size }, () => generator.normal());
};

/** Up to 30 items for each query, some of them twice. */
function exclusions({ queries, items }: Case) {
  const generator = createGenerator(createKey(3, 'sample'));
  const offsets = new Int32Array(queries + 1);
  for (let q = 0; q < queries; q++) offsets[q + 1] = offsets[q] + generator.integer(30);
  return { offsets, items: Int32Array.from({ length: offsets[queries] }, () => generator.integer(items)) };
}

function run(given: Case) {
  const { queries, items, width, k, exclude } = given;
  return tf.tidy(() => {
    const q = tf.tensor2d(normals(1, queries * width), [queries, width]);
    const e = tf.tensor2d(normals(2, items * width), [items, width]);
    const { values, indices } = topKProducts(q, e, k, exclude ? { exclude: exclusions(given) } : {});
    expect([values.shape, indices.shape, indices.dtype]).toEqual([[queries, k], [queries, k], 'int32']);
    return { values: Array.from(values.dataSync()), indices: Array.from(indices.dataSync()) };
  });
}

describe('topKProducts on native', () => {
  beforeEach(async () => {
    await selectBackend('native');
    (tf.backend() as unknown as NativeBackend).precision = 'float32';
  });

  it.each(cases)('finds the k best in order, as float64 does: %o', (given) => {
    const { queries, items, width, k, exclude } = given;
    const found = run(given);
    const [q, e] = [normals(1, queries * width), normals(2, items * width)];
    const hidden = exclusions(given);
    for (let row = 0; row < queries; row++) {
      const scores = Array.from({ length: items }, (_, item) => {
        let sum = 0;
        for (let i = 0; i < width; i++) sum += q[row * width + i] * e[item * width + i];
        return sum;
      });
      if (exclude) {
        for (const item of hidden.items.subarray(hidden.offsets[row], hidden.offsets[row + 1]))
          scores[item] = -Infinity;
      }
      const best = [...scores].sort((a, b) => b - a);
      const indices = found.indices.slice(row * k, (row + 1) * k);
      const left = scores.filter((score) => score > -Infinity).length;
      expect(new Set(indices.slice(0, left)).size).toBe(Math.min(k, left));
      for (let place = 0; place < k; place++) {
        const value = found.values[row * k + place];
        if (place >= left) {
          expect([indices[place], value]).toEqual([-1, -Infinity]);
          continue;
        }
        const slack = 1e-5 * (1 + Math.sqrt(width));
        expect(Math.abs(value - best[place])).toBeLessThan(slack);
        expect(Math.abs(value - scores[indices[place]])).toBeLessThan(slack);
      }
    }
  });

  it('puts the smaller item first among equals', () => {
    const q = tf.tensor2d([1, 2], [2, 1]);
    const e = tf.tensor2d(
      Float32Array.from({ length: 1500 }, (_, item) => item % 3),
      [1500, 1],
    );
    const expected = [2, 5, 8, 11];
    expect(topKProducts(q, e, 4).indices.arraySync()).toEqual([expected, expected]);
  });

  it('never returns a score of NaN', () => {
    const found = topKProducts(tf.tensor2d([[1]]), tf.tensor2d([[Number.NaN], [1], [-Infinity]]), 3);
    expect(found.indices.arraySync()).toEqual([[1, -1, -1]]);
  });

  it('rounds its inputs when products are bfloat16', () => {
    const given = { queries: 33, items: 800, width: 100, k: 5 };
    const exact = run(given);
    (tf.backend() as unknown as NativeBackend).precision = 'bfloat16';
    const rounded = run(given);
    for (const [i, value] of rounded.values.entries()) expect(Math.abs(value - exact.values[i])).toBeLessThan(0.3);
    expect(rounded.values).not.toEqual(exact.values);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const given = { queries: 300, items: 1100, width: 40, k: 7, exclude: true };
    backend.setThreads(1);
    const one = run(given);
    backend.setThreads(2);
    expect(run(given)).toEqual(one);
  });

  it('agrees with the ops of TensorFlow.js', async () => {
    const given = { queries: 120, items: 900, width: 32, k: 20, exclude: true };
    const found = run(given);
    await selectBackend('wasm');
    const expected = run(given);
    expect(found.indices).toEqual(expected.indices);
    for (const [i, value] of found.values.entries()) expect(value).toBeCloseTo(expected.values[i], 4);
  });
});
