import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, expectClose, hasNative, valuesOf } from '../../fixtures/layers.js';
import { attention, type Offsets, selectBackend, tf } from '../index.js';

const shapes = [
  { queries: [1], keys: [1], heads: 1, width: 1 },
  { queries: [3, 5, 2], keys: [3, 5, 2], heads: 2, width: 8 },
  { queries: [4, 4, 4], keys: [17, 1, 40], heads: 3, width: 5 },
  {
    queries: Array.from({ length: 21 }, (_, i) => (i * 7) % 33),
    keys: Array.from({ length: 21 }, (_, i) => (i * 7) % 33),
    heads: 2,
    width: 64,
  },
  { queries: [0, 2], keys: [3, 81], heads: 6, width: 20 },
] as const;

const offsetsOf = (lengths: readonly number[]): Offsets => {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [b, length] of lengths.entries()) offsets[b + 1] = offsets[b] + length;
  return offsets;
};

type Case = (typeof shapes)[number] & { causal: boolean; bias: boolean; rate: number };
const cases: Case[] = shapes.flatMap((shape) =>
  [
    { causal: false, bias: false, rate: 0 },
    { causal: false, bias: true, rate: 0.3 },
    { causal: true, bias: true, rate: 0 },
    { causal: true, bias: false, rate: 0.1 },
  ].map((options) => ({ ...shape, ...options })),
);

/** The output and the gradients of a weighted sum of it with respect to query, key, value and bias. */
function run({ queries, keys, heads, width, causal, bias, rate }: Case) {
  const [queryOffsets, keyOffsets] = [offsetsOf(queries), offsetsOf(keys)];
  const [rowsQ, rowsK] = [queryOffsets[queries.length], keyOffsets[keys.length]];
  const zeroDistance = Math.max(...queries);
  const columns = zeroDistance + Math.max(...keys);
  return tf.tidy(() => {
    const inputs = [
      draw(1, [rowsQ, heads * width]),
      draw(2, [rowsK, heads * width]),
      draw(3, [rowsK, heads * width]),
      draw(4, [heads, columns]),
    ] as const;
    const weights = draw(5, [rowsQ, heads * width]);
    const options = { heads, queryOffsets, keyOffsets, causal, dropout: { rate, key: createKey(3, 'dropout') } };
    const f = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, table: tf.Tensor) =>
      attention(q as tf.Tensor2D, k as tf.Tensor2D, v as tf.Tensor2D, {
        ...options,
        ...(bias && { bias: table as tf.Tensor2D, zeroDistance }),
      });
    const out = f(...inputs);
    const gradients = tf.grads((...x: tf.Tensor[]) => {
      const [q, k, v, table] = x;
      return tf.sum(tf.mul(f(q, k, v, table ?? inputs[3]), weights)) as tf.Scalar;
    })(bias ? [...inputs] : inputs.slice(0, 3));
    return valuesOf([out, ...gradients]);
  });
}

/** The output in float64, from the definition. */
function reference({ queries, keys, heads, width, causal, bias }: Case): number[] {
  const [queryOffsets, keyOffsets] = [offsetsOf(queries), offsetsOf(keys)];
  const stride = heads * width;
  const zeroDistance = Math.max(...queries);
  const columns = zeroDistance + Math.max(...keys);
  const [q, k, v] = [1, 2, 3].map((seed) =>
    draw(seed, [(seed === 1 ? queryOffsets : keyOffsets)[queries.length], stride]).dataSync(),
  );
  const table = draw(4, [heads, columns]).dataSync();
  const out = new Array<number>(q.length).fill(0);
  for (let b = 0; b < queries.length; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries[b]; i++) {
        const at = (queryOffsets[b] + i) * stride + h * width;
        const seen = causal ? Math.min(keys[b], i + 1) : keys[b];
        const scores = Array.from({ length: seen }, (_, j) => {
          let score = bias ? table[h * columns + zeroDistance + j - i] : 0;
          for (let e = 0; e < width; e++) score += q[at + e] * k[(keyOffsets[b] + j) * stride + h * width + e];
          return score;
        });
        const most = Math.max(...scores);
        const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
        for (const [j, score] of scores.entries()) {
          for (let e = 0; e < width; e++) {
            out[at + e] += (Math.exp(score - most) / total) * v[(keyOffsets[b] + j) * stride + h * width + e];
          }
        }
      }
    }
  }
  return out;
}

describe.each(['cpu', 'wasm', 'native'] as const)('attention on %s', (backend) => {
  it.skipIf(backend === 'native' && !hasNative).each(cases.filter(({ rate }) => rate === 0))(
    'equals the definition in float64: %o',
    async (given) => {
      await selectBackend(backend);
      expectClose(run(given).slice(0, 1), [{ values: Float32Array.from(reference(given)) }], 1e-5);
    },
  );
});

describeNativeLayer('attention', cases, run, {
  exact: 2e-4,
  rounded: 0.05,
  threaded: cases.filter(({ bias, rate }) => bias && rate > 0)[3],
});

describe('attention', () => {
  it('says which of its arguments do not fit', () => {
    const x = tf.zeros<tf.Rank.R2>([3, 4]);
    const call = (queryOffsets: number[], keyOffsets: number[], heads = 2) =>
      attention(x, x, x, {
        heads,
        queryOffsets: Int32Array.from(queryOffsets),
        keyOffsets: Int32Array.from(keyOffsets),
      });
    expect(() => call([0, 3], [0, 3], 3)).toThrow("backend: attention's width must be a multiple of its heads (3)");
    expect(() => call([0, 2], [0, 3])).toThrow("backend: attention's queryOffsets must rise from 0 to 3");
    expect(() => call([0, 1, 3], [0, 3])).toThrow("backend: attention's offsets must be B + 1");
    expect(() => call([0, 1, 3], [0, 3, 3])).toThrow('sequence 1 must have a key for its queries');
  });
});
