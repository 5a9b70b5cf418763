import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * A table with some of its rows replaced. Where the backend has a kernel, they are written into the table's own memory, so that a step
 * on few rows of a large table costs no more than these rows: the argument then shows them as well, and is to be disposed.
 *
 * @param table   [N, ...] float32; only what is returned may be used from now on
 * @param rows    [R] int32 in [0, N), all different
 * @param values  [R, ...] float32, the new rows
 * @throws RangeError when the shapes do not fit
 */
export function updateRows<T extends tf.Tensor>(table: T, rows: tf.Tensor1D, values: tf.Tensor): T {
  const expected = [rows.shape[0], ...table.shape.slice(1)];
  if (String(values.shape) !== String(expected)) {
    throw new RangeError(
      `backend: values must be rows of a table [${table.shape}] for ${rows.shape[0]} places, [${expected}], got [${values.shape}]; correct them`,
    );
  }
  if (hasKernel('UpdateRows')) return runKernel<T>('UpdateRows', { table, rows, values });
  return tf.tidy(() => tf.tensorScatterUpdate(table, tf.reshape(rows, [-1, 1]), values)) as T;
}
