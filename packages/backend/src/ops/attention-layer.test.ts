import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { describeNativeLayer, draw, valuesOf } from '../../fixtures/layers.js';
import { attentionLayer, type Offsets, selectBackend, tf } from '../index.js';

const long = Array.from({ length: 70 }, (_, i) => (i * 7) % 33);

const cases = [
  { lengths: [1], width: 1, heads: 1, headWidth: 1, rate: 0, causal: false },
  { lengths: [3, 5, 2], width: 8, heads: 2, headWidth: 4, rate: 0, causal: true },
  { lengths: [17, 0, 40], width: 13, heads: 3, headWidth: 5, rate: 0.3, causal: false },
  { lengths: [300, 20, 2], width: 24, heads: 2, headWidth: 20, rate: 0.1, causal: false }, // longer than a chunk
  { lengths: long, width: 32, heads: 2, headWidth: 64, rate: 0.1, causal: true },
  { lengths: [5, 5, 5], memory: [17, 1, 40], width: 12, heads: 3, headWidth: 8, rate: 0.1, causal: false },
  { lengths: long.map((n) => n % 5), memory: long.map((n) => n + 1), width: 16, heads: 2, headWidth: 8, rate: 0.2 },
];

const offsetsOf = (lengths: readonly number[]): Offsets => {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [b, length] of lengths.entries()) offsets[b + 1] = offsets[b] + length;
  return offsets;
};

/** The output, and the gradients of a weighted sum of it; self-attention has a bias, attention to a memory none. */
function run({ lengths, memory: keys, width, heads, headWidth, rate, causal = false }: (typeof cases)[number]) {
  const [queryOffsets, keyOffsets] = [offsetsOf(lengths), offsetsOf(keys ?? lengths)];
  const [rowsQ, rowsK] = [queryOffsets, keyOffsets].map((offsets) => offsets[offsets.length - 1]);
  const longest = Math.max(...lengths);
  const wide = heads * headWidth;
  return tf.tidy(() => {
    const inputs = [
      draw(1, [rowsQ, width]),
      tf.reshape(draw(2, [1, width]), [width]),
      ...[3, 4, 5].map((seed) => tf.mul(draw(seed, [width, wide]), 0.5 * width ** -0.5)),
      draw(6, [wide, width]),
      keys ? draw(7, [rowsK, width]) : draw(7, [heads, 2 * longest]),
    ];
    const factors = draw(8, [rowsQ, width]);
    const f = (...[x, norm, query, key, value, output, last]: tf.Tensor[]) =>
      attentionLayer(x as tf.Tensor2D, { norm, query, key, value, output } as never, {
        heads,
        queryOffsets,
        keyOffsets,
        causal,
        ...(keys ? { memory: last as tf.Tensor2D } : { bias: last as tf.Tensor2D, zeroDistance: longest }),
        epsilon: 1e-6,
        attentionDropout: { rate, key: createKey(1, 'dropout') },
        dropout: { rate: rate / 2, key: createKey(2, 'dropout') },
      });
    const gradients = tf.grads((...x: tf.Tensor[]) => tf.sum<tf.Scalar>(tf.mul(f(...x), factors)))(inputs);
    return valuesOf([f(...inputs), ...gradients]);
  });
}

describeNativeLayer('attentionLayer', cases, run, { exact: 1e-3, rounded: 0.05, threaded: cases[4] });

describe('attentionLayer', () => {
  it('refuses weights and offsets that do not fit', async () => {
    await selectBackend('cpu');
    const x = draw(1, [3, 4]);
    const square = draw(2, [4, 4]);
    const weights = { norm: tf.ones<tf.Rank.R1>([4]), query: square, key: square, value: square, output: square };
    const within = {
      heads: 2,
      epsilon: 1e-6,
      queryOffsets: Int32Array.from([0, 3]),
      keyOffsets: Int32Array.from([0, 3]),
    };
    expect(() => attentionLayer(x, { ...weights, key: draw(3, [4, 6]) }, within)).toThrow(
      "backend: attentionLayer's weights must be [4], three of [4, H*E] and [H*E, 4]",
    );
    expect(() => attentionLayer(x, weights, { ...within, queryOffsets: Int32Array.from([0, 2]) })).toThrow(
      "backend: attention's queryOffsets must rise from 0 to 3",
    );
  });
});
