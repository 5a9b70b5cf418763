import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { backends } from '../../fixtures/backends.js';
import { draw, expectClose, hasNative, onOneAndTwoThreads, valuesOf } from '../../fixtures/layers.js';
import {
  crossAttentionStep,
  evenOffsets,
  getPrecision,
  type Precision,
  selectBackend,
  selfAttentionStep,
  setPrecision,
  tf,
} from '../index.js';

/** How far results may be from float64's, for each precision. */
const tolerances: [Precision, number][] = [
  ['float32', 1e-5],
  ['bfloat16x3', 3e-4],
  ['bfloat16', 0.05],
];

type Matrix = readonly number[][];
const matrix = (x: tf.Tensor2D): Matrix => x.arraySync();
const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => Array.from({ length: b[0].length }, (_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));

/** x / rms(x) * weight, in float64. */
const normalise = (x: Matrix, weight: readonly number[]): Matrix =>
  x.map((row) => {
    const scale = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / row.length + 1e-6);
    return row.map((value, j) => (value / scale) * weight[j]);
  });

/** softmax(q k^T + bias) v of one query row over some rows of keys and values, head by head, in float64. */
function attend(query: readonly number[], keys: Matrix, values: Matrix, heads: number, bias?: Matrix): number[] {
  const width = query.length / heads;
  return query.map((_, j) => {
    const head = Math.floor(j / width);
    const scores = keys.map((key, p) => {
      let sum = bias ? bias[head][p] : 0;
      for (let e = head * width; e < (head + 1) * width; e++) sum += query[e] * key[e];
      return sum;
    });
    const most = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - most));
    const mass = powers.reduce((sum, power) => sum + power, 0);
    return powers.reduce((sum, power, p) => sum + (power / mass) * values[p][j], 0);
  });
}

const plus = (x: Matrix, y: Matrix): Float32Array =>
  Float32Array.from(x.flatMap((row, i) => row.map((v, j) => v + y[i][j])));

function drawWeights(width: number, all: number) {
  const small = <T extends tf.Tensor>(x: T): T => tf.mul(x, 0.3);
  return {
    norm: tf.reshape<tf.Rank.R1>(draw(2, [1, width]), [width]),
    query: small(draw(3, [width, all])),
    key: small(draw(4, [width, all])),
    value: small(draw(5, [width, all])),
    output: small(draw(6, [all, width])),
  };
}

const selfCases = [
  { rows: 1, past: [], heads: 1, headWidth: 1, width: 1, bias: false },
  { rows: 7, past: [3], heads: 3, headWidth: 5, width: 9, bias: true },
  { rows: 131, past: [4, 131], heads: 2, headWidth: 16, width: 33, bias: true },
  { rows: 260, past: Array(18).fill(5), heads: 6, headWidth: 20, width: 40, bias: false },
];

function drawSelf({ rows, past, heads, headWidth, width, bias }: (typeof selfCases)[number]) {
  const generator = createGenerator(createKey(9, 'sample'));
  const all = heads * headWidth;
  return {
    x: draw(1, [rows, width]),
    weights: drawWeights(width, all),
    options: {
      heads,
      epsilon: 1e-6,
      past: past.map((count, p) => ({ key: draw(10 + p, [count, all]), value: draw(40 + p, [count, all]) })),
      ancestors: Int32Array.from({ length: rows * past.length }, (_, i) => generator.integer(past[i % past.length])),
      ...(bias && { bias: draw(7, [heads, past.length + 1]) }),
    },
  };
}

const runSelf = (given: (typeof selfCases)[number]) =>
  tf.tidy(() => {
    const { x, weights, options } = drawSelf(given);
    const { y, key, value } = selfAttentionStep(x, weights, options);
    return valuesOf([y, key, value]);
  });

/** The same in float64. */
const expectSelf = (given: (typeof selfCases)[number]) =>
  tf.tidy(() => {
    const { x, weights, options } = drawSelf(given);
    const normed = normalise(matrix(x), weights.norm.arraySync());
    const [query, key, value] = [weights.query, weights.key, weights.value].map((w) => multiply(normed, matrix(w)));
    const past = options.past.map((position) => ({ key: matrix(position.key), value: matrix(position.value) }));
    const bias = options.bias && matrix(options.bias);
    const seen = query.map((row, r) => {
      const own = past.map((position, p) => {
        const ancestor = options.ancestors[r * past.length + p];
        return { key: position.key[ancestor], value: position.value[ancestor] };
      });
      const positions = [...own, { key: key[r], value: value[r] }];
      return attend(
        row,
        positions.map((position) => position.key),
        positions.map((position) => position.value),
        given.heads,
        bias,
      );
    });
    const y = plus(matrix(x), multiply(seen, matrix(weights.output)));
    return [y, Float32Array.from(key.flat()), Float32Array.from(value.flat())].map((values) => ({ values }));
  });

const crossCases = [
  { queries: [1], keys: [1], heads: 1, headWidth: 1, width: 1 },
  { queries: [3, 0, 2], keys: [5, 2, 1], heads: 3, headWidth: 5, width: 7 },
  { queries: Array(9).fill(20), keys: [1, 80, 3, 17, 33, 2, 16, 15, 9], heads: 2, headWidth: 16, width: 24 },
  { queries: [150, 1, 140], keys: [20, 3, 40], heads: 6, headWidth: 20, width: 33 },
];

const offsetsOf = (lengths: readonly number[]) =>
  Int32Array.from([0, ...lengths], (_, b) => lengths.slice(0, b).reduce((sum, length) => sum + length, 0));

function drawCross({ queries, keys, heads, headWidth, width }: (typeof crossCases)[number]) {
  const all = heads * headWidth;
  const [queryOffsets, keyOffsets] = [offsetsOf(queries), offsetsOf(keys)];
  const rows = keyOffsets[keys.length];
  return {
    x: draw(1, [queryOffsets[queries.length], width]),
    weights: drawWeights(width, all),
    options: {
      heads,
      epsilon: 1e-6,
      memory: { key: draw(7, [rows, all]), value: draw(8, [rows, all]) },
      queryOffsets,
      keyOffsets,
    },
  };
}

const runCross = (given: (typeof crossCases)[number]) =>
  tf.tidy(() => {
    const { x, weights, options } = drawCross(given);
    return valuesOf([crossAttentionStep(x, weights, options)]);
  });

const expectCross = (given: (typeof crossCases)[number]) =>
  tf.tidy(() => {
    const { x, weights, options } = drawCross(given);
    const query = multiply(normalise(matrix(x), weights.norm.arraySync()), matrix(weights.query));
    const [key, value] = [matrix(options.memory.key), matrix(options.memory.value)];
    const seen = query.map((row, r) => {
      const b = options.queryOffsets.findIndex((_, i) => r < options.queryOffsets[i + 1]);
      const [first, end] = [options.keyOffsets[b], options.keyOffsets[b + 1]];
      return attend(row, key.slice(first, end), value.slice(first, end), given.heads);
    });
    return [{ values: plus(matrix(x), multiply(seen, matrix(weights.output))) }];
  });

describe.each(backends)('attention steps on %s', (backend) => {
  it.each(selfCases)('over earlier positions equals float64: %o', async (given) => {
    await selectBackend('cpu');
    const expected = expectSelf(given);
    await selectBackend(backend);
    for (const [precision, tolerance] of tolerances) {
      if (setPrecision(precision) === precision)
        expectClose(runSelf(given), expected, tolerance, precision !== 'bfloat16');
    }
    setPrecision('float32');
  });

  it.each(crossCases)('over a memory equals float64: %o', async (given) => {
    await selectBackend('cpu');
    const expected = expectCross(given);
    await selectBackend(backend);
    for (const [precision, tolerance] of tolerances) {
      if (setPrecision(precision) === precision)
        expectClose(runCross(given), expected, tolerance, precision !== 'bfloat16');
    }
    setPrecision('float32');
    expect(getPrecision()).toBe('float32');
  });
});

describe.skipIf(!hasNative)('attention steps on native', () => {
  it('give the same bits with one thread and with two', async () => {
    await selectBackend('native');
    for (const run of [() => runSelf(selfCases[3]), () => runCross(crossCases[2])]) {
      const [one, two] = onOneAndTwoThreads(run);
      expect(two).toEqual(one);
    }
  });
});

describe.skipIf(!hasNative)('attention steps of no rows on native', () => {
  it('have empty results', async () => {
    await selectBackend('native');
    expect(runSelf({ ...selfCases[1], rows: 0 }).map(({ values }) => values.length)).toEqual([0, 0, 0]);
    expect(runCross({ ...crossCases[1], queries: [0, 0, 0] })[0].values.length).toBe(0);
  });
});

describe('attention steps', () => {
  it('refuse shapes that do not fit', async () => {
    await selectBackend('cpu');
    const { x, weights, options } = drawSelf(selfCases[1]);
    expect(() => selfAttentionStep(x, weights, { ...options, heads: 2 })).toThrow(
      "backend: selfAttentionStep's weights must be [9], three of [9, H*E] and [H*E, 9] with 2 heads, got [9], [9,15], [9,15], [9,15], [15,9]",
    );
    const ancestors = options.ancestors.with(4, 3);
    expect(() => selfAttentionStep(x, weights, { ...options, ancestors })).toThrow(
      "backend: selfAttentionStep's ancestors must be rows of their position (3), got 3 at position 0",
    );
    expect(() => selfAttentionStep(x, weights, { ...options, past: [] })).toThrow('ancestors must be [7, 0], got 7');
    const cross = drawCross(crossCases[1]);
    const memory = { ...cross.options.memory, key: draw(1, [8, 14]) };
    expect(() => crossAttentionStep(cross.x, cross.weights, { ...cross.options, memory })).toThrow(
      "backend: crossAttentionStep's keys and values must be [S, 15], got [8,14] and [8,15]",
    );
    const queryOffsets = evenOffsets(3, 2);
    expect(() => crossAttentionStep(cross.x, cross.weights, { ...cross.options, queryOffsets })).toThrow(
      'queryOffsets must rise from 0 to 5',
    );
  });
});
