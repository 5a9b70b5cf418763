import { cholesky } from '../cholesky.js';
import { tf } from '../tf.js';

/** Up to this size a matrix is inverted in float64, as it is. */
const blockSize = 256;

/**
 * Inverse of a symmetric positive definite matrix, by halves: of [[A, B'], [B, C]] it is
 *
 *     W = B A^-1, S = C - W B', V = S^-1 W:  [[A^-1 + W' V, -V'], [-V, S^-1]]
 *
 * (Schur complement; Golub & Van Loan, sec. 3.2). That is 4/3 n^3 multiplications and additions, nearly all in matrix products. Blocks
 * are float64, products float32: an entry is good to about 1e-7 times the condition number.
 *
 * @param matrix  [n, n]; not disposed
 * @returns [n, n]
 * @throws RangeError when the matrix is not square, or not positive definite
 */
export async function invertPositiveDefinite(matrix: tf.Tensor2D): Promise<tf.Tensor2D> {
  const [n, columns] = matrix.shape;
  if (n !== columns) {
    throw new RangeError(`backend: matrix to invert must be square, got ${n} x ${columns}; pass a symmetric one`);
  }
  if (n <= blockSize) return tf.tensor2d(invertBlock(Float64Array.from(await matrix.data()), n), [n, n]);
  const half = Math.ceil(n / 2);
  const rest = n - half;
  const first = tf.slice(matrix, [0, 0], [half, half]);
  const cross = tf.slice(matrix, [half, 0], [rest, half]); // B
  const a = await invertPositiveDefinite(first);
  first.dispose();
  const w: tf.Tensor2D = tf.matMul(cross, a); // [rest, half]
  const s = tf.tidy(() => tf.sub(tf.slice(matrix, [half, half]), tf.matMul(w, cross, false, true))) as tf.Tensor2D;
  cross.dispose();
  const last = await invertPositiveDefinite(s);
  s.dispose();
  const inverse = tf.tidy(() => {
    const v: tf.Tensor2D = tf.matMul(last, w);
    const left = tf.concat([tf.add(a, tf.matMul(w, v, true)), tf.neg(v)], 0);
    const right = tf.concat([tf.neg(tf.transpose(v)), last], 0);
    return tf.concat([left, right], 1) as tf.Tensor2D;
  });
  tf.dispose([a, w, last]);
  return inverse;
}

/** By Cholesky's factor A = L L': A^-1 = (L^-1)' L^-1. Row major; `a` is overwritten. */
function invertBlock(a: Float64Array, n: number): Float32Array {
  cholesky(a, n);
  for (let j = 0; j < n; j++) {
    a[j * n + j] = 1 / a[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= a[i * n + k] * a[k * n + j];
      a[i * n + j] = sum / a[i * n + i];
    }
  }
  const inverse = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += a[k * n + i] * a[k * n + j];
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  }
  return inverse;
}
