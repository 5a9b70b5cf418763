import type { SparseMatrix } from '@codebeam/data';
import { vector, type Weights } from './define-recommender.js';

/** A sparse matrix among a model's weights: `<name>.offsets`, `<name>.indices`, `<name>.values` and `<name>.columns`. */
export function sparseWeights(name: string, { columns, offsets, indices, values }: SparseMatrix): Weights {
  return {
    [`${name}.offsets`]: vector(offsets),
    [`${name}.indices`]: vector(indices),
    [`${name}.values`]: vector(values),
    [`${name}.columns`]: vector(Int32Array.of(columns)),
  };
}

/** The matrix that {@link sparseWeights} put there; views, not copies. */
export function sparseMatrixOf(weights: Weights, name: string): SparseMatrix {
  const [offsets, indices, columns] = ['offsets', 'indices', 'columns'].map(
    (part) => weights[`${name}.${part}`].values as Int32Array,
  );
  const values = weights[`${name}.values`].values as Float64Array;
  return { rows: offsets.length - 1, columns: columns[0], offsets, indices, values };
}
