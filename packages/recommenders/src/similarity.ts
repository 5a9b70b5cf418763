import { type SparseMatrix, transpose } from '@codebeam/data';
import { emptyRecommendations, writeTopK } from '@codebeam/eval';
import { z } from 'zod';

export const similaritySchema = z
  .enum(['cosine', 'dot', 'euclidean', 'manhattan', 'haversine'])
  .default('cosine')
  .describe('cosine, inner product, or 1 / (1 + distance); haversine: of (latitude, longitude) in radians');
export type Similarity = z.output<typeof similaritySchema>;

/**
 * Similarity of a sparse vector to every row of a matrix:
 *
 *     cosine     a b / (|a| |b|), 0 where either is zero
 *     dot        a b
 *     euclidean  1 / (1 + |a - b|)
 *     manhattan  1 / (1 + sum |a_i - b_i|)
 *     haversine  1 / (1 + d), d the angle in radians between points (latitude, longitude) in radians
 *
 * Only rows that share a column with the vector are met one by one; of the others the norms say all.
 *
 * @returns a function that writes the similarities to `into` [rows]
 * @throws RangeError for haversine on a matrix that has not 2 columns
 */
export function similarityTo(
  matrix: SparseMatrix,
  similarity: Similarity,
): (vector: ReadonlyMap<number, number>, into: Float64Array) => void {
  const { rows, columns, offsets, values } = matrix;
  const byColumn = transpose(matrix);
  /** Sum over the columns of the vector of f(a, b) for each row's own entry b in them. */
  const gather = (
    vector: ReadonlyMap<number, number>,
    into: Float64Array,
    term: (a: number, b: number) => number,
  ): void => {
    into.fill(0);
    for (const [column, a] of vector) {
      for (let entry = byColumn.offsets[column]; entry < byColumn.offsets[column + 1]; entry++) {
        into[byColumn.indices[entry]] += term(a, byColumn.values[entry]);
      }
    }
  };
  const sumsOf = (f: (b: number) => number) =>
    Float64Array.from({ length: rows }, (_, row) =>
      values.subarray(offsets[row], offsets[row + 1]).reduce((sum, b) => sum + f(b), 0),
    ); // [rows]
  const sumOf = (vector: ReadonlyMap<number, number>, f: (a: number) => number) =>
    [...vector.values()].reduce((sum, a) => sum + f(a), 0);
  const product = (a: number, b: number) => a * b;
  const square = (a: number) => a * a;

  switch (similarity) {
    case 'dot':
      return (vector, into) => gather(vector, into, product);
    case 'cosine': {
      const lengths = sumsOf(square).map(Math.sqrt);
      return (vector, into) => {
        gather(vector, into, product);
        const length = Math.sqrt(sumOf(vector, square));
        for (let row = 0; row < rows; row++) if (into[row] !== 0) into[row] /= length * lengths[row];
      };
    }
    case 'euclidean': {
      const squares = sumsOf(square);
      return (vector, into) => {
        gather(vector, into, product);
        const own = sumOf(vector, square);
        for (let row = 0; row < rows; row++) {
          into[row] = 1 / (1 + Math.sqrt(Math.max(0, own + squares[row] - 2 * into[row])));
        }
      };
    }
    case 'manhattan': {
      const sums = sumsOf(Math.abs);
      return (vector, into) => {
        // Where both have an entry, |a - b| takes the place of |a| + |b|.
        gather(vector, into, (a, b) => Math.abs(a - b) - Math.abs(a) - Math.abs(b));
        const own = sumOf(vector, Math.abs);
        for (let row = 0; row < rows; row++) into[row] = 1 / (1 + own + sums[row] + into[row]);
      };
    }
    case 'haversine': {
      if (columns !== 2) {
        throw new RangeError(
          `recommenders: haversine must have a matrix of 2 columns (latitude, longitude), got ${columns} columns; choose cosine, dot, euclidean or manhattan`,
        );
      }
      const latitudes = new Float64Array(rows);
      const longitudes = new Float64Array(rows);
      for (let row = 0; row < rows; row++) {
        for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
          (matrix.indices[entry] === 0 ? latitudes : longitudes)[row] = values[entry];
        }
      }
      return (vector, into) => {
        const [latitude, longitude] = [vector.get(0) ?? 0, vector.get(1) ?? 0];
        for (let row = 0; row < rows; row++) {
          const half =
            Math.sin((latitudes[row] - latitude) / 2) ** 2 +
            Math.cos(latitude) * Math.cos(latitudes[row]) * Math.sin((longitudes[row] - longitude) / 2) ** 2;
          into[row] = 1 / (1 + 2 * Math.asin(Math.min(1, Math.sqrt(half))));
        }
      };
    }
    default:
      throw new Error(`internal: similarity ${similarity satisfies never}`);
  }
}

/**
 * The k rows of a matrix that are most like a vector, best first, and how like it each is. Of rows alike the lower counts; those whose
 * similarity is 0 are none.
 */
export function nearestTo(
  matrix: SparseMatrix,
  similarity: Similarity,
  k: number,
): (vector: ReadonlyMap<number, number>) => [row: number, similarity: number][] {
  const compare = similarityTo(matrix, similarity);
  const similarities = new Float64Array(matrix.rows);
  const nearest = emptyRecommendations(1, Math.min(k, matrix.rows));
  return (vector) => {
    compare(vector, similarities);
    writeTopK(similarities, nearest, 0);
    const rows = Array.from(nearest.items).filter((row) => row >= 0 && similarities[row] !== 0);
    return rows.map((row) => [row, similarities[row]]);
  };
}

/** A row of a sparse matrix, by column. */
export function rowOf({ offsets, indices, values }: SparseMatrix, row: number): Map<number, number> {
  const entries = new Map<number, number>();
  for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) entries.set(indices[entry], values[entry]);
  return entries;
}
