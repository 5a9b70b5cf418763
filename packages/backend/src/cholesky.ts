/**
 * Cholesky's factor of a symmetric positive definite matrix, A = L L'.
 *
 * @param a  [n*n] row major; its lower half is read, and overwritten by L
 * @throws RangeError when the matrix is not positive definite
 */
export function cholesky(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i > j) a[i * n + j] = sum / a[j * n + j];
      else if (sum > 0) a[j * n + j] = Math.sqrt(sum);
      else {
        throw new RangeError(
          `backend: matrix must be positive definite, got a pivot of ${sum}; add more to its diagonal`,
        );
      }
    }
  }
}

/** Solves A x = b for a symmetric positive definite A; both are overwritten, `b` [n] by x. */
export function solvePositiveDefinite(a: Float64Array, b: Float64Array): void {
  const n = b.length;
  cholesky(a, n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}
