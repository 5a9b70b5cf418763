import { describe, expect, it } from 'vitest';
import { backends } from '../../fixtures/backends.js';
import { selectBackend, tf, updateRows } from '../index.js';

describe.each(backends)('updateRows on %s', (backend) => {
  it('replaces the rows and leaves the others', async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const rows = tf.tensor1d([2, 0], 'int32');
    const values = tf.tensor2d([7, 8, 9, 10], [2, 2]);
    const updated = updateRows(table, rows, values);
    table.dispose();
    expect(updated.arraySync()).toEqual([
      [9, 10],
      [3, 4],
      [7, 8],
    ]);
    tf.dispose([updated, rows, values]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses rows of another width, and rows that there are not', async () => {
    await selectBackend(backend);
    const [table, rows] = [tf.zeros([3, 2]), tf.tensor1d([2, 0], 'int32')];
    expect(() => updateRows(table, rows, tf.zeros([2, 3]))).toThrow('for 2 places, [2,2], got [2,3]');
    if (backend === 'native') {
      expect(() => updateRows(table, tf.tensor1d([3], 'int32'), tf.zeros([1, 2]))).toThrow('in [0, 3), got 3');
    }
  });
});
