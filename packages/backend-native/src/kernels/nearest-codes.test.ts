import { type Distance, nearestCodes, selectBackend, tf, vectorQuantize } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../backend.js';

const normals = (seed: number, size: number, offset = 0) => {
  const generator = createGenerator(createKey(seed, 'sample'));
  return Float32Array.from({ length: size }, () => offset + generator.normal());
};

function nearest(x: Float32Array, codebook: Float32Array, width: number, distance: Distance) {
  return tf.tidy(() => {
    const found = nearestCodes(
      tf.tensor2d(x, [x.length / width, width]),
      tf.tensor2d(codebook, [codebook.length / width, width]),
      distance,
    );
    return { codes: Array.from(found.codes.dataSync()), distances: Array.from(found.distances.dataSync()) };
  });
}

/** |x - e|^2 or 1 - cos(x, e) in float64. */
function distanceOf(x: Float32Array, e: Float32Array, distance: Distance): number {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  if (distance === 'l2') return x.reduce((sum, value, i) => sum + (value - e[i]) ** 2, 0);
  const lengths = Math.sqrt(dot(x, x) * dot(e, e));
  return lengths === 0 ? 1 : 1 - dot(x, e) / lengths;
}

describe('nearestCodes on native', () => {
  beforeEach(async () => {
    await selectBackend('native');
    (tf.backend() as unknown as NativeBackend).precision = 'float32';
  });

  const cases = [
    { rows: 0, codes: 3, width: 4 },
    { rows: 1, codes: 1, width: 1 },
    { rows: 7, codes: 5, width: 3 },
    { rows: 97, codes: 33, width: 17 },
    { rows: 130, codes: 256, width: 32 },
    { rows: 250, codes: 600, width: 65 },
    { rows: 40, codes: 90, width: 768 },
    { rows: 9, codes: 64, width: 2100 },
    // All far from 0 and near to each other: |x|^2 - 2xe + |e|^2 knows nothing here.
    { rows: 60, codes: 100, width: 64, offset: 100 },
  ].flatMap((shape) => (['l2', 'cosine'] as const).map((distance) => ({ ...shape, distance })));

  it.each(cases)('finds the nearest, as float64 does: %o', ({ rows, codes, width, distance, offset = 0 }) => {
    const x = normals(1, rows * width, offset);
    const codebook = normals(2, codes * width, offset);
    const found = nearest(x, codebook, width, distance);
    expect(found.codes.length).toBe(rows);
    for (let i = 0; i < rows; i++) {
      const row = x.subarray(i * width, (i + 1) * width);
      const distances = Array.from({ length: codes }, (_, code) =>
        distanceOf(row, codebook.subarray(code * width, (code + 1) * width), distance),
      );
      const best = Math.min(...distances);
      const taken = distances[found.codes[i]];
      // A cosine's own rounding does not shrink with the distance.
      const slack = distance === 'l2' ? 1e-5 * best : 1e-5 * best + 1e-7;
      expect(taken - best).toBeLessThanOrEqual(slack);
      expect(Math.abs(found.distances[i] - taken)).toBeLessThanOrEqual(slack);
    }
  });

  it.each(['l2', 'cosine'] as const)('breaks ties toward the smaller code (%s)', (distance) => {
    // Every code three times, in blocks wider than one pass over them.
    const codes = 400;
    const width = 96;
    const once = normals(3, codes * width);
    const codebook = new Float32Array(3 * once.length);
    for (let copy = 0; copy < 3; copy++) codebook.set(once, copy * once.length);
    expect(nearest(once, codebook, width, distance).codes).toEqual(Array.from({ length: codes }, (_, code) => code));
  });

  it('is at distance 1 from everything where a vector has length 0', () => {
    const found = nearest(Float32Array.of(0, 0, 3, 4), Float32Array.of(0, 0, -3, -4), 2, 'cosine');
    expect(found).toEqual({ codes: [0, 0], distances: [1, 1] });
  });

  it('gives a vector of NaN code 0 and distance NaN', () => {
    const found = nearest(Float32Array.of(Number.NaN, 1, 2, 2), Float32Array.of(9, 9, 2, 2), 2, 'l2');
    expect(found).toEqual({ codes: [0, 1], distances: [Number.NaN, 0] });
  });

  it('stays in float32 when products are bfloat16', () => {
    const x = normals(4, 200 * 48);
    const codebook = normals(5, 300 * 48);
    const expected = nearest(x, codebook, 48, 'l2');
    (tf.backend() as unknown as NativeBackend).precision = 'bfloat16';
    expect(nearest(x, codebook, 48, 'l2')).toEqual(expected);
  });

  it('gives the same bits with one thread and with two', () => {
    const backend = tf.backend() as unknown as NativeBackend;
    const x = normals(6, 1000 * 70);
    const codebook = normals(7, 700 * 70);
    backend.setThreads(1);
    const one = nearest(x, codebook, 70, 'l2');
    backend.setThreads(2);
    expect(nearest(x, codebook, 70, 'l2')).toEqual(one);
  });

  it('agrees with the ops of TensorFlow.js', async () => {
    const x = normals(8, 500 * 32);
    const codebook = normals(9, 256 * 32);
    const found = nearest(x, codebook, 32, 'l2');
    await selectBackend('wasm');
    const expected = nearest(x, codebook, 32, 'l2');
    expect(found.codes).toEqual(expected.codes);
    for (const [i, distance] of found.distances.entries()) expect(distance).toBeCloseTo(expected.distances[i], 4);
  });
});

describe('vectorQuantize on native', () => {
  it.each([
    { rows: 0, codes: 3, width: 4 },
    { rows: 1, codes: 1, width: 1 },
    { rows: 77, codes: 19, width: 13 },
    { rows: 1024, codes: 256, width: 32 },
  ])('gives what the ops of TensorFlow.js give, forward and gradient: %o', async ({ rows, codes, width }) => {
    const run = () =>
      tf.tidy(() => {
        const inputs = [
          tf.tensor2d(normals(1, rows * width), [rows, width]),
          tf.tensor2d(normals(2, codes * width), [codes, width]),
        ];
        const weights = tf.tensor2d(normals(3, rows * width), [rows, width]);
        const f = (x: tf.Tensor, codebook: tf.Tensor) =>
          vectorQuantize(x as tf.Tensor2D, codebook as tf.Tensor2D, 'l2');
        const gradients = tf.grads((x: tf.Tensor, codebook: tf.Tensor) => {
          const { codeVectors, rest } = f(x, codebook);
          return tf.sum(tf.add(tf.mul(codeVectors, weights), tf.square(rest)));
        })(inputs);
        const found = f(inputs[0], inputs[1]);
        return [found.codes, found.codeVectors, found.rest, ...gradients].map((x) => Array.from(x.dataSync()));
      });
    await selectBackend('native');
    const found = run();
    await selectBackend('cpu');
    const expected = run();
    for (const part of [0, 1, 2, 3]) expect(found[part]).toEqual(expected[part]);
    for (const [i, value] of expected[4].entries()) expect(found[4][i]).toBeCloseTo(value, 4);
  });
});
