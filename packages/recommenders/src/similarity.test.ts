import { sparseMatrix } from '@codebeam/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { similarityTo } from './index.js';
import { rowOf, similaritySchema } from './similarity.js';

const dense = (row: readonly number[]) => new Map(row.map((value, column) => [column, value] as const));
const matrixOf = (rows: readonly number[][]) => {
  const entries = rows.map((row) => new Map([...dense(row)].filter(([, value]) => value !== 0)));
  return sparseMatrix(entries, rows[0].length);
};

describe('similarityTo', () => {
  it.each([
    ['cosine', 0.596285],
    ['dot', 4],
    ['euclidean', 0.289898],
    ['manhattan', 0.2],
  ] as const)('%s of (1, 2, 2) and (2, 0, 1) is %d', (name, expected) => {
    const into = new Float64Array(1);
    similarityTo(matrixOf([[2, 0, 1]]), name)(dense([1, 2, 2]), into);
    expect(into[0]).toBeCloseTo(expected, 6);
  });

  it('takes haversine of points on the sphere, and of nothing else', () => {
    const into = new Float64Array(1);
    similarityTo(matrixOf([[0, Math.PI / 2]]), 'haversine')(dense([0, 0]), into);
    expect(into[0]).toBeCloseTo(0.388985, 6);
    expect(() => similarityTo(matrixOf([[1, 2, 3]]), 'haversine')).toThrow(
      'haversine must have a matrix of 2 columns (latitude, longitude), got 3 columns',
    );
  });

  it('is what the definition says, entry by entry, zero rows included', () => {
    const value = fc.constantFrom(0, 0, 1, 2, -1.5);
    const rows = fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 6 });
    const sum = (values: number[]) => values.reduce((total, x) => total + x, 0);
    const definitions = {
      dot: (a: number[], b: number[]) => sum(a.map((x, i) => x * b[i])),
      cosine: (a: number[], b: number[]) => definitions.dot(a, b) / (Math.hypot(...a) * Math.hypot(...b)) || 0,
      euclidean: (a: number[], b: number[]) => 1 / (1 + Math.hypot(...a.map((x, i) => x - b[i]))),
      manhattan: (a: number[], b: number[]) => 1 / (1 + sum(a.map((x, i) => Math.abs(x - b[i])))),
    };
    fc.assert(
      fc.property(rows, (values) => {
        const matrix = matrixOf(values);
        for (const [name, definition] of Object.entries(definitions)) {
          const compare = similarityTo(matrix, similaritySchema.parse(name));
          const into = new Float64Array(matrix.rows);
          for (const [row, own] of values.entries()) {
            compare(rowOf(matrix, row), into);
            for (const [other, theirs] of values.entries()) expect(into[other]).toBeCloseTo(definition(own, theirs), 6);
          }
        }
      }),
    );
  });
});
