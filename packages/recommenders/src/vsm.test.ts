import { packSequences, sparseMatrix } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import { attributeItemKnn, attributeUserKnn, vsm } from './index.js';

// Films 0 and 1 are comedies, 2 a comedy and a drama, 3 a drama.
const itemFeatures = sparseMatrix(
  [[0], [0], [0, 1], [1]].map((row) => new Map(row.map((feature) => [feature, 1]))),
  2,
);
const sequences = packSequences(
  [
    [0, 1],
    [3, 2],
  ].map((items) => Int32Array.from(items)),
);
const data = { sequences, numItems: 4, itemFeatures, fittedOn: 'train' } as const;
const close = (...values: number[]) => values.map((value) => expect.closeTo(value, 6));

describe('models of what items are', () => {
  it('vsm: cosine of an item and the sum of the history', async () => {
    const recommender = await vsm.fit(data, { weights: 'binary' });
    // The profile of 0 and 2 is (2, 1).
    const length = Math.sqrt(5);
    const expected = close(2 / length, 2 / length, 3 / (length * Math.SQRT2), 1 / length);
    expect(Array.from(await recommender.score([Int32Array.of(0, 2)]))).toEqual(expected);
  });

  it('vsm: tfidf weighs a feature by how few items have it', async () => {
    const recommender = await vsm.fit(data, { weights: 'tfidf', similarity: 'dot' });
    const [comedy, drama] = [Math.log(4 / 3), Math.log(4 / 2)];
    const expected = close(comedy ** 2, comedy ** 2, comedy ** 2, 0);
    expect(Array.from(await recommender.score([Int32Array.of(1)]))).toEqual(expected);
    expect((await recommender.score([Int32Array.of(3)]))[3]).toBeCloseTo(drama ** 2, 6);
  });

  it("vsm: WarpRec's tf-idf of items and of users, by NumPy", async () => {
    const recommender = await vsm.fit(data, { weights: 'smooth-tfidf', profile: 'unit', similarity: 'euclidean' });
    // idf ln(5/4) + 1 of comedies, ln(5/3) + 1 of dramas; item 2 is (.629228, .777221), the profile of 0 and 2 is (.902560, .430565).
    expect(Array.from(await recommender.score([Int32Array.of(0, 2)]))).toEqual(
      close(0.69374437, 0.69374437, 0.69374437, 0.48375116),
    );
    const plain = await vsm.fit(data, { weights: 'smooth-tfidf', similarity: 'euclidean' });
    expect(Array.from(await plain.score([Int32Array.of(0, 2)]))).not.toEqual(
      close(0.69374437, 0.69374437, 0.69374437, 0.48375116),
    );
  });

  it('attribute-item-knn: the neighbours of an item by its features, itself among them', async () => {
    const recommender = await attributeItemKnn.fit(data, { k: 3 });
    expect(Array.from(await recommender.score([Int32Array.of(3)]))).toEqual(close(0, 0, 1 / Math.SQRT2, 1));
  });

  it('attribute-user-knn: the items of users whose items are like those of the history', async () => {
    const recommender = await attributeUserKnn.fit(data, { k: 1 });
    // Profiles are (2, 0) and (1, 2): a drama is nearer to the second, by 2 / sqrt(5).
    const likeness = 2 / Math.sqrt(5);
    expect(Array.from(await recommender.score([Int32Array.of(3)]))).toEqual(close(0, 0, likeness, likeness));
  });

  it('asks for features where there are none', async () => {
    const { itemFeatures: _, ...plain } = data;
    await expect(vsm.fit(plain)).rejects.toThrow('vsm: itemFeatures must have a row for each of the 4 items');
  });
});
