import { expect, it } from 'vitest';
import { sparseMatrix, stackRows, transpose } from './sparse-matrix.js';

it('has its entries by row, in order of columns, and transposed by column', () => {
  const matrix = sparseMatrix(
    [{ 2: 4, 0: 5, 1: 1 }, {}, { 1: 3 }].map((row) => new Map(Object.entries(row).map(([c, v]) => [Number(c), v]))),
    3,
  );
  expect(matrix).toEqual({
    rows: 3,
    columns: 3,
    offsets: Int32Array.of(0, 3, 3, 4),
    indices: Int32Array.of(0, 1, 2, 1),
    values: Float64Array.of(5, 1, 4, 3),
  });
  expect(transpose(matrix)).toEqual({
    rows: 3,
    columns: 3,
    offsets: Int32Array.of(0, 1, 3, 4),
    indices: Int32Array.of(0, 0, 2, 0),
    values: Float64Array.of(5, 1, 3, 4),
  });
});

it('stacks the rows of two matrices', () => {
  const above = sparseMatrix([new Map([[1, 2]]), new Map()], 3);
  const below = sparseMatrix([new Map([[0, 3]]), new Map([[2, 4]])], 3);
  const rows = [new Map([[1, 2]]), new Map<number, number>(), new Map([[0, 3]]), new Map([[2, 4]])];
  expect(stackRows(above, below)).toEqual(sparseMatrix(rows, 3));
});

it('stacks matrices of more entries than a call has room for arguments', () => {
  const wide = sparseMatrix([new Map(Array.from({ length: 200_000 }, (_, column) => [column, 1]))], 200_000);
  expect(stackRows(wide, wide).offsets).toEqual(Int32Array.of(0, 200_000, 400_000));
});
