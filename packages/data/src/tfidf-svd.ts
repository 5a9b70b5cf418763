import { createGenerator, createKey } from '@codebeam/random';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { z } from 'zod';
import { type SparseMatrix, sparseMatrix } from './sparse-matrix.js';
import type { TextEncoder } from './text-encoder.js';

export const tfidfSvdSchema = z.strictObject({
  dim: z.int().min(1).default(128).describe('E, components kept'),
  minDocumentFrequency: z.int().min(1).default(2).describe('texts in which a term must occur to count'),
  maxTerms: z.int().min(1).default(100_000).describe('vocabulary size; the most frequent terms stay'),
  powerIterations: z.int().min(0).default(5).describe('more are closer to the exact SVD, at equal cost each'),
});
export type TfidfSvdConfig = z.infer<typeof tfidfSvdSchema>;

/** Columns beyond the wanted ones that the random projection keeps; Halko et al. advise 5 to 10 or more. */
const oversampling = 12;

/**
 * The default text encoder: TF-IDF and a truncated SVD, learnt from the very texts it encodes. Deterministic, no
 * download. Deerwester et al. 1990, "Indexing by latent semantic analysis".
 *
 * Vectors are U S, not rescaled: dot products approximate the cosine similarities of the TF-IDF rows, and components
 * shrink from first to last. Do not standardise them, which would raise the tail's noise to the level of the signal.
 * Columns beyond the rank of the texts (a catalogue of fewer items or terms than E) are zero; so is an empty text's row.
 *
 * @param seed  of the random projection
 */
export function createTfidfSvdEncoder(config: TfidfSvdConfig, seed: number): TextEncoder {
  return {
    id: `tfidf-svd-${config.dim}`,
    dim: config.dim,
    encode: async (texts) => {
      const { matrix } = tfidf(texts, config);
      return truncatedSvd(matrix, config, seed).scores;
    },
  };
}

/**
 * TF-IDF with sublinear term frequency, smooth inverse document frequency and rows of length 1:
 * (1 + ln tf) (1 + ln((1 + N) / (1 + df))). Terms are runs of letters, marks and digits in lower case; writing without
 * spaces (Chinese, Japanese, Thai) gives long runs, for which a neural encoder is the better choice.
 *
 * @returns terms, one per column in alphabetical order · matrix [N, terms]
 * @throws RangeError when no term occurs in enough texts
 */
export function tfidf(
  texts: readonly string[],
  { minDocumentFrequency, maxTerms }: Pick<TfidfSvdConfig, 'minDocumentFrequency' | 'maxTerms'>,
): { terms: string[]; matrix: SparseMatrix } {
  const counts = texts.map(countTerms);
  const documentFrequency = new Map<string, number>();
  for (const count of counts) {
    for (const term of count.keys()) documentFrequency.set(term, (documentFrequency.get(term) ?? 0) + 1);
  }
  const terms = [...documentFrequency]
    .filter(([, frequency]) => frequency >= minDocumentFrequency)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, maxTerms)
    .map(([term]) => term)
    .sort();
  if (terms.length === 0) {
    throw new RangeError(
      `data: texts must share words, got ${texts.length} texts without a word that occurs in ${minDocumentFrequency} of them; check the text fields or lower minDocumentFrequency`,
    );
  }
  const columns = new Map(terms.map((term, column) => [term, column]));
  const idf = terms.map((term) => 1 + Math.log((1 + texts.length) / (1 + documentFrequency.get(term)!)));

  const rows = counts.map((count) => {
    const entries: [column: number, weight: number][] = [];
    for (const [term, frequency] of count) {
      const column = columns.get(term);
      if (column !== undefined) entries.push([column, (1 + Math.log(frequency)) * idf[column]]);
    }
    entries.sort(([a], [b]) => a - b);
    const norm = Math.sqrt(entries.reduce((sum, [, weight]) => sum + weight * weight, 0));
    return new Map(entries.map(([column, weight]) => [column, weight / norm]));
  });
  return { terms, matrix: sparseMatrix(rows, terms.length) };
}

function countTerms(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) {
    counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return counts;
}

/**
 * Randomised truncated SVD, A ~ U S V': power iterations on a random basis of A's row space, then the exact SVD of A
 * within that basis. Halko, Martinsson & Tropp 2011, "Finding structure with randomness", algorithms 4.4 and 5.1.
 *
 * Differs from the paper: bases are orthonormalised by the eigenvectors of their small Gram matrix, not by QR, which is
 * several times faster here and takes care of a rank below the width; it loses singular values under 1e-3 of the
 * largest. A' A is applied row by row, so that nothing of [rows, width] is held but the result.
 *
 * Time grows with iterations x (entries + columns x width) x width, width being dim + 12. Each component's entry of
 * largest size is positive, so that no sign hangs on the seed.
 *
 * @returns scores [rows*dim] float32, U S row major, zero beyond the rank · singularValues [dim]
 */
export function truncatedSvd(
  matrix: SparseMatrix,
  { dim, powerIterations }: Pick<TfidfSvdConfig, 'dim' | 'powerIterations'>,
  seed: number,
): { scores: Float32Array; singularValues: Float64Array } {
  const { rows, columns, offsets, indices, values } = matrix;
  const width = roundUp(dim + oversampling);
  const generator = createGenerator(createKey(seed, 'init'));
  const projection = new Float64Array(roundUp(columns) * width); // [columns, width]
  for (let at = 0; at < columns * width; at++) projection[at] = generator.normal();
  let basis = orthonormalize(projection, width); // [columns, width]
  for (let iteration = 0; iteration < powerIterations; iteration++) {
    basis = orthonormalize(multiplySquare(matrix, basis, width), width);
  }
  // (A basis)' (A basis): its eigenvectors turn the basis into V, its eigenvalues are S squared, and U S = A V.
  const ritz = eigen(multiplyTransposed(basis, multiplySquare(matrix, basis, width), width));
  const right = multiply(basis, ritz.vectors, width); // [columns, width]
  const singularValues = new Float64Array(dim);
  const scores = new Float32Array(rows * dim);
  for (let component = 0; component < dim; component++) {
    if (!(ritz.values[component] > ritz.values[0] * rankTolerance)) break;
    singularValues[component] = Math.sqrt(ritz.values[component]);
    let largest = 0;
    for (let row = 0; row < rows; row++) {
      let score = 0;
      for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
        score += values[entry] * right[indices[entry] * width + component];
      }
      scores[row * dim + component] = score;
      if (Math.abs(score) > Math.abs(largest)) largest = score;
    }
    if (largest < 0) for (let at = component; at < scores.length; at += dim) scores[at] = 0 - scores[at];
  }
  return { scores, singularValues };
}

/** Eigenvalues of a Gram matrix below this share of the largest are taken for rounding noise. */
const rankTolerance = 1e-13;

/** The dense products below work on four rows or columns at a time: blocks are padded with zeros to a multiple. */
function roundUp(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** A' A X: [columns, width] from X [columns, width]. */
function multiplySquare(
  { rows, offsets, indices, values }: SparseMatrix,
  x: Float64Array,
  width: number,
): Float64Array {
  const product = new Float64Array(x.length);
  const image = new Float64Array(width); // one row of A X
  for (let row = 0; row < rows; row++) {
    image.fill(0);
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
      const from = indices[entry] * width;
      const weight = values[entry];
      for (let j = 0; j < width; j++) image[j] += weight * x[from + j];
    }
    for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
      const to = indices[entry] * width;
      const weight = values[entry];
      for (let j = 0; j < width; j++) product[to + j] += weight * image[j];
    }
  }
  return product;
}

/** X' Y: [width, width] from X and Y [4n, width]. */
function multiplyTransposed(x: Float64Array, y: Float64Array, width: number): Float64Array {
  const product = new Float64Array(width * width);
  for (let y0 = 0; y0 < y.length; y0 += 4 * width) {
    const y1 = y0 + width;
    const y2 = y1 + width;
    const y3 = y2 + width;
    for (let i = 0; i < width; i++) {
      const a = x[y0 + i];
      const b = x[y1 + i];
      const c = x[y2 + i];
      const d = x[y3 + i];
      const to = i * width;
      for (let j = 0; j < width; j++) product[to + j] += a * y[y0 + j] + b * y[y1 + j] + c * y[y2 + j] + d * y[y3 + j];
    }
  }
  return product;
}

/** X W: [n, width] from X [n, width] and W [width, width]; width a multiple of 4. */
function multiply(x: Float64Array, w: Float64Array, width: number): Float64Array {
  const product = new Float64Array(x.length);
  for (let to = 0; to < x.length; to += width) {
    for (let i = 0; i < width; i += 4) {
      const a = x[to + i];
      const b = x[to + i + 1];
      const c = x[to + i + 2];
      const d = x[to + i + 3];
      const w0 = i * width;
      const w1 = w0 + width;
      const w2 = w1 + width;
      const w3 = w2 + width;
      for (let j = 0; j < width; j++) product[to + j] += a * w[w0 + j] + b * w[w1 + j] + c * w[w2 + j] + d * w[w3 + j];
    }
  }
  return product;
}

/** Eigenvalues of a symmetric matrix, largest first, and its eigenvectors as the columns of `vectors`. */
function eigen(symmetric: Float64Array): { values: Float64Array; vectors: Float64Array } {
  const width = Math.sqrt(symmetric.length);
  const matrix = Matrix.from1DArray(width, width, symmetric);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const values = Float64Array.from(realEigenvalues).reverse();
  const vectors = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) vectors[i * width + j] = eigenvectorMatrix.get(i, width - 1 - j);
  }
  return { values, vectors };
}

/** An orthonormal basis of the columns of X [n, width]; columns beyond their rank are zero. */
function orthonormalize(x: Float64Array, width: number): Float64Array {
  const { values, vectors } = eigen(multiplyTransposed(x, x, width));
  for (let j = 0; j < width; j++) {
    const scale = values[j] > values[0] * rankTolerance ? 1 / Math.sqrt(values[j]) : 0;
    for (let i = 0; i < width; i++) vectors[i * width + j] *= scale;
  }
  return multiply(x, vectors, width);
}
