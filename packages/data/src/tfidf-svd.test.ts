import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createGenerator, createKey } from '@codebeam/random';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { itemText } from './item-text.js';
import type { Item } from './items.js';
import type { SparseMatrix } from './sparse-matrix.js';
import { createTfidfSvdEncoder, tfidf, tfidfSvdSchema, truncatedSvd } from './tfidf-svd.js';

const every = { minDocumentFrequency: 1, maxTerms: 1000 };

function denseRows({ rows, columns, offsets, indices, values }: SparseMatrix): number[][] {
  const dense = Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  for (let row = 0; row < rows; row++) {
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) dense[row][indices[entry]] = values[entry];
  }
  return dense;
}

/** Rows of about `perRow` normal entries, columns scaled by 1, 1/2, 1/3 ... for a spectrum that decays. */
function randomSparse(rows: number, columns: number, perRow: number): SparseMatrix {
  const generator = createGenerator(createKey(11, 'sample'));
  const offsets = new Int32Array(rows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (generator.uniform() >= perRow / columns) continue;
      indices.push(column);
      values.push(generator.normal() / (1 + column));
    }
    offsets[row + 1] = indices.length;
  }
  return { rows, columns, offsets, indices: Int32Array.from(indices), values: Float64Array.from(values) };
}

describe('tfidf', () => {
  it('weighs terms by sublinear frequency and smooth rarity, in rows of length 1', () => {
    const { terms, matrix } = tfidf(['nail nail polish', 'nail file', 'shampoo'], every);
    expect(terms).toEqual(['file', 'nail', 'polish', 'shampoo']);
    const nail = (1 + Math.log(2)) * (1 + Math.log(4 / 3));
    const polish = 1 + Math.log(4 / 2);
    const norm = Math.hypot(nail, polish);
    const dense = denseRows(matrix);
    expect(dense[0][1]).toBeCloseTo(nail / norm, 12);
    expect(dense[0][2]).toBeCloseTo(polish / norm, 12);
    expect(dense[2]).toEqual([0, 0, 0, 1]);
  });

  it('keeps terms that enough texts hold, the most frequent first', () => {
    const texts = ['a b c', 'a b d', 'a e'];
    expect(tfidf(texts, { ...every, minDocumentFrequency: 2 }).terms).toEqual(['a', 'b']);
    expect(tfidf(texts, { ...every, maxTerms: 3 }).terms).toEqual(['a', 'b', 'c']);
  });

  it('finds words of any script, whatever their case and form', () => {
    const { terms } = tfidf(['CRÈME Cre\u0300me 2-oz', 'Ölbad ﬁn हिन्दी'], every);
    expect(terms).toEqual(['2', 'crème', 'fin', 'oz', 'ölbad', 'हिन्दी'].sort());
  });

  it('leaves a text without known terms empty', () => {
    expect(denseRows(tfidf(['nail', '', 'nail !'], every).matrix)).toEqual([[1], [0], [1]]);
  });

  it('refuses texts that share no word', () => {
    expect(() => tfidf(['', '...'], every)).toThrow(
      'data: texts must share words, got 2 texts without a word that occurs in 1 of them; check the text fields or lower minDocumentFrequency',
    );
    expect(() => tfidf(['a', 'b'], { ...every, minDocumentFrequency: 2 })).toThrow(RangeError);
  });
});

describe('truncatedSvd', () => {
  it('equals a dense SVD when the basis spans the whole space', () => {
    const matrix = randomSparse(40, 16, 6);
    const dense = new SingularValueDecomposition(new Matrix(denseRows(matrix)));
    const { scores, singularValues } = truncatedSvd(matrix, { dim: 5, powerIterations: 1 }, 1);
    for (let component = 0; component < 5; component++) {
      expect(singularValues[component]).toBeCloseTo(dense.diagonal[component], 10);
      const left = dense.leftSingularVectors.getColumn(component);
      const sign = Math.sign(left.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a)));
      left.forEach((value, row) => {
        expect(scores[row * 5 + component]).toBeCloseTo(sign * value * dense.diagonal[component], 6);
      });
    }
  });

  it('comes close to a dense SVD from a basis much smaller than the space, closer with more iterations', () => {
    const matrix = randomSparse(300, 200, 40);
    const dense = new SingularValueDecomposition(new Matrix(denseRows(matrix)));
    const error = (powerIterations: number) => {
      const { singularValues } = truncatedSvd(matrix, { dim: 20, powerIterations }, 1);
      return Math.max(...singularValues.map((value, k) => Math.abs(value / dense.diagonal[k] - 1)));
    };
    expect(error(5)).toBeLessThan(1e-5);
    expect(error(5)).toBeLessThan(error(1));
    expect(error(1)).toBeLessThan(error(0));
  });

  it('repeats itself for a seed, and nearly so for another', () => {
    const matrix = randomSparse(100, 60, 10);
    const config = { dim: 8, powerIterations: 5 };
    const { scores } = truncatedSvd(matrix, config, 1);
    expect(truncatedSvd(matrix, config, 1).scores).toEqual(scores);
    truncatedSvd(matrix, config, 2).scores.forEach((score, at) => void expect(score).toBeCloseTo(scores[at], 3));
  });

  it('leaves zeros beyond the rank', () => {
    const { matrix } = tfidf(['nail polish', 'nail polish', 'shampoo'], every);
    const { scores, singularValues } = truncatedSvd(matrix, { dim: 4, powerIterations: 2 }, 1);
    expect(singularValues[0]).toBeCloseTo(Math.SQRT2, 12);
    expect(singularValues[1]).toBeCloseTo(1, 12);
    expect(Array.from(singularValues.subarray(2))).toEqual([0, 0]);
    expect(Array.from(scores, (score) => Number(score.toFixed(6)) + 0)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
  });
});

describe('createTfidfSvdEncoder', () => {
  it('gives one vector per text, near for texts that share rare words', async () => {
    const encoder = createTfidfSvdEncoder(tfidfSvdSchema.parse({ dim: 3, minDocumentFrequency: 1 }), 0);
    expect([encoder.id, encoder.dim]).toEqual(['tfidf-svd-3', 3]);
    const values = await encoder.encode([
      'red nail polish',
      'blue nail polish',
      'dandruff shampoo',
      'mild shampoo',
      '',
    ]);
    const dot = (a: number, b: number) => [0, 1, 2].reduce((sum, j) => sum + values[a * 3 + j] * values[b * 3 + j], 0);
    expect(dot(0, 1)).toBeGreaterThan(0.4);
    expect(dot(2, 3)).toBeGreaterThan(0.2);
    expect(Math.abs(dot(0, 2))).toBeLessThan(1e-6);
    expect(Array.from(values.subarray(12))).toEqual([0, 0, 0]);
  });

  const folder = process.env.CODEBEAM_DATA;
  it.skipIf(!folder)('puts Beauty items beside items of their category (needs CODEBEAM_DATA)', async () => {
    const lines = gunzipSync(readFileSync(join(folder!, 'amazon_beauty/items.jsonl.gz')))
      .toString()
      .trim()
      .split('\n');
    const items: Item[] = lines.map((line) => JSON.parse(line));
    const leaf = items.map(({ categories }) => categories![0].join('/'));
    const dim = 32;
    const encoder = createTfidfSvdEncoder(tfidfSvdSchema.parse({ dim, powerIterations: 3 }), 0);
    const texts = items.map((item) => itemText(item));
    const values = await encoder.encode(texts);
    expect(Buffer.from((await encoder.encode(texts)).buffer).equals(Buffer.from(values.buffer))).toBe(true);

    const norms = Float64Array.from(items, (_, n) => Math.hypot(...values.subarray(n * dim, (n + 1) * dim)));
    let shared = 0;
    let sharedByChance = 0;
    const queries = 200;
    for (let query = 0; query < queries; query++) {
      const item = query * 60;
      let best = -1;
      let nearest = -1;
      for (let other = 0; other < items.length; other++) {
        let dot = 0;
        for (let j = 0; j < dim; j++) dot += values[item * dim + j] * values[other * dim + j];
        const cosine = dot / norms[item] / norms[other];
        if (other !== item && cosine > best) [best, nearest] = [cosine, other];
      }
      if (leaf[nearest] === leaf[item]) shared++;
      if (leaf[(item + 6050) % items.length] === leaf[item]) sharedByChance++;
    }
    expect(sharedByChance / queries).toBeLessThan(0.1);
    expect(shared / queries).toBeGreaterThan(0.8);
  });
});
