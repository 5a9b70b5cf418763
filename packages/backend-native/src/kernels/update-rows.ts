import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';
import { sizeOf } from './strides.js';

/** Writes rows into a table and returns it: the one kernel that changes an input, as its op says. @throws RangeError when there is no such row */
export const UpdateRows: NativeKernel = ({ inputs, backend }) => {
  const { table, rows, values } = inputs;
  const [count, width] = [table.shape[0], sizeOf(table.shape.slice(1))];
  const named = backend.address(rows);
  const [to, from] = [
    float32Address(backend, 'table', table, count * width),
    float32Address(backend, 'values', values, rows.shape[0] * width),
  ];
  const outside = backend.kernels.findOutside(named, rows.shape[0], count);
  if (outside >= 0) {
    const row = backend.view<Int32Array>(rows)[outside];
    throw new RangeError(`backend-native: rows to update must be in [0, ${count}), got ${row}`);
  }
  backend.kernels.updateRows(to, named, from, rows.shape[0], width);
  backend.incRef(table.dataId);
  return { dataId: table.dataId, shape: table.shape, dtype: table.dtype };
};
