import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend, tf, topKProducts } from '../index.js';

describe.each(['cpu', 'wasm'] as const)('topKProducts on %s', (backend) => {
  beforeAll(async () => {
    await selectBackend(backend);
  });

  const queries = () => tf.tensor2d([1, 0, 0, 1], [2, 2]);
  // Scores of the first query: 5, 7, 7, -1; of the second: 2, 0, 9, 9.
  const items = () => tf.tensor2d([5, 2, 7, 0, 7, 9, -1, 9], [4, 2]);

  it('gives the best items in order, the smaller one first among equals', () => {
    const { values, indices } = topKProducts(queries(), items(), 3);
    expect(values.arraySync()).toEqual([
      [7, 7, 5],
      [9, 9, 2],
    ]);
    expect(indices.arraySync()).toEqual([
      [1, 2, 0],
      [2, 3, 0],
    ]);
  });

  it("leaves out each query's own excluded items", () => {
    const exclude = { offsets: Int32Array.of(0, 3, 4), items: Int32Array.of(1, 3, 1, 2) };
    const { values, indices } = topKProducts(queries(), items(), 3, { exclude });
    expect(values.arraySync()).toEqual([
      [7, 5, -Infinity],
      [9, 2, 0],
    ]);
    expect(indices.arraySync()).toEqual([
      [2, 0, -1],
      [3, 0, 1],
    ]);
  });

  it('holds only some of the scores at a time, and the lists stay the same', () => {
    const many = tf.tensor2d(
      Float32Array.from({ length: 90_000 }, (_, item) => item % 100),
      [90_000, 1],
    );
    const scales = tf.tensor2d(
      Float32Array.from({ length: 100 }, (_, row) => row + 1),
      [100, 1],
    );
    const { indices } = topKProducts(scales, many, 2);
    expect(indices.arraySync()).toEqual(new Array(100).fill([99, 199]));
  });

  it('leaves no tensors behind', () => {
    const [q, e] = [queries(), items()];
    const before = tf.memory().numTensors;
    tf.dispose(topKProducts(q, e, 1, { exclude: { offsets: Int32Array.of(0, 1, 1), items: Int32Array.of(0) } }));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what does not fit, and says what would', () => {
    const [q, e] = [queries(), items()];
    expect(() => topKProducts(q, tf.zeros([4, 3]), 1)).toThrow("backend: item width must be the queries' 2, got 3");
    expect(() => topKProducts(q, e, 5)).toThrow('backend: k must be an integer from 1 to the 4 items, got 5');
    expect(() =>
      topKProducts(q, e, 1, { exclude: { offsets: Int32Array.of(0, 2, 1), items: Int32Array.of(1) } }),
    ).toThrow('backend: offsets of excluded items must ascend from 0 to 1 in 3 entries');
    expect(() =>
      topKProducts(q, e, 1, { exclude: { offsets: Int32Array.of(0, 1, 1), items: Int32Array.of(4) } }),
    ).toThrow('backend: excluded items must be in [0, 4), got 4');
  });
});
