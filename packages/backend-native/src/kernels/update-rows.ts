import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/** Writes rows into a table and returns it: the one kernel that changes an input, as its op says. @throws RangeError when there is no such row */
export const UpdateRows: NativeKernel = ({ inputs, backend }) => {
  const { table, rows, values } = inputs;
  const [count, width] = [table.shape[0], sizeOf(table.shape.slice(1))];
  float32Address(backend, 'table', table, count * width);
  float32Address(backend, 'values', values, rows.shape[0] * width);
  const outside = backend.kernels.findOutside(backend.address(rows), rows.shape[0], count);
  const places = backend.view<Int32Array>(rows);
  if (outside >= 0) {
    throw new RangeError(`backend-native: rows to update must be in [0, ${count}), got ${places[outside]}`);
  }
  const [to, from] = [backend.view(table), backend.view(values)];
  for (const [i, row] of places.entries()) to.set(from.subarray(i * width, (i + 1) * width), row * width);
  backend.incRef(table.dataId);
  return { dataId: table.dataId, shape: table.shape, dtype: table.dtype };
};
