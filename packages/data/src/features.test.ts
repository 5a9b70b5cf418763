import { expect, it } from 'vitest';
import { type FeatureTable, featureMatrix, itemFeatures } from './features.js';

const table: FeatureTable = {
  ids: ['i1', 'i2', 'i1'],
  columns: {
    class: [['Comedy', 'Drama'], ['Drama'], ['Horror']],
    year: [1995, undefined, 1],
    vector: [Float64Array.of(0.5, 2), Float64Array.of(), Float64Array.of()],
  },
};

it('has a one for each token and a value for each number, in the order of the dense ids', () => {
  expect(featureMatrix(table, ['class', 'year', 'vector'], ['i2', 'i9', 'i1'])).toEqual({
    features: ['class=Drama', 'class=Comedy', 'year', 'vector[0]', 'vector[1]'],
    matrix: {
      rows: 3,
      columns: 5,
      offsets: Int32Array.of(0, 1, 1, 6),
      indices: Int32Array.of(0, 0, 1, 2, 3, 4),
      values: Float64Array.of(1, 1, 1, 1995, 0.5, 2),
    },
  });
});

it('takes the columns asked for, and names those that there are', () => {
  expect(featureMatrix(table, ['year'], ['i1']).features).toEqual(['year']);
  expect(() => featureMatrix(table, ['genre'], ['i1'])).toThrow(
    'data: feature columns must be among class, year, vector, got genre; correct the name',
  );
});

it('makes features of a catalogue', () => {
  const features = itemFeatures([
    { id: 'i1', brand: 'Acme', categories: [['Hair', 'Dye'], ['Hair']], price: 3 },
    { id: 'i2' },
  ]);
  const { features: names, matrix } = featureMatrix(features, ['brand', 'categories', 'price'], ['i1', 'i2']);
  expect(names).toEqual(['brand=Acme', 'categories=Hair', 'categories=Dye', 'price']);
  expect(matrix.offsets).toEqual(Int32Array.of(0, 4, 4));
  expect(matrix.values).toEqual(Float64Array.of(1, 1, 1, 3));
});
