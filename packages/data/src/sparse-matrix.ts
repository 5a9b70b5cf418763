/** A sparse matrix by rows (CSR): row r's entries are `offsets[r] .. offsets[r + 1]`, a column once. */
export interface SparseMatrix {
  rows: number;
  columns: number;
  /** [rows+1] */
  offsets: Int32Array;
  /** [entries] column of each entry */
  indices: Int32Array;
  /** [entries] */
  values: Float64Array;
}

/**
 * Rows of entries in ascending order of their columns.
 *
 * @param rows  each row's entries, by column
 */
export function sparseMatrix(rows: Iterable<ReadonlyMap<number, number>>, columns: number): SparseMatrix {
  const offsets = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (const entries of rows) {
    for (const column of Int32Array.from(entries.keys()).sort()) {
      indices.push(column);
      values.push(entries.get(column)!);
    }
    offsets.push(indices.length);
  }
  return {
    rows: offsets.length - 1,
    columns,
    offsets: Int32Array.from(offsets),
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
}

/** Rows become columns, e.g. users × items becomes items × users. */
export function transpose({ rows, columns, offsets, indices, values }: SparseMatrix): SparseMatrix {
  const transposedOffsets = new Int32Array(columns + 1);
  for (const column of indices) transposedOffsets[column + 1]++;
  for (let column = 0; column < columns; column++) transposedOffsets[column + 1] += transposedOffsets[column];
  const next = transposedOffsets.slice(0, -1);
  const transposed: SparseMatrix = {
    rows: columns,
    columns: rows,
    offsets: transposedOffsets,
    indices: new Int32Array(indices.length),
    values: new Float64Array(values.length),
  };
  for (let row = 0; row < rows; row++) {
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
      const place = next[indices[entry]]++;
      transposed.indices[place] = row;
      transposed.values[place] = values[entry];
    }
  }
  return transposed;
}

/** The rows of one matrix and below them those of another, of as many columns. */
export function stackRows(above: SparseMatrix, below: SparseMatrix): SparseMatrix {
  const entries = above.indices.length;
  const stacked: SparseMatrix = {
    rows: above.rows + below.rows,
    columns: above.columns,
    offsets: new Int32Array(above.rows + below.rows + 1),
    indices: new Int32Array(entries + below.indices.length),
    values: new Float64Array(entries + below.values.length),
  };
  stacked.offsets.set(above.offsets);
  stacked.offsets.set(
    below.offsets.map((offset) => offset + entries),
    above.rows,
  );
  for (const part of ['indices', 'values'] as const) {
    stacked[part].set(above[part]);
    stacked[part].set(below[part], entries);
  }
  return stacked;
}
