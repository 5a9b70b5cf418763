import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { unitRows } from './unit-rows.js';

/** How codes are chosen: by squared Euclidean distance, or by 1 - cosine similarity. */
export type Distance = 'l2' | 'cosine';

/** Rows for which distances are held at a time where the backend has no kernel. */
const chunk = 4096;

/**
 * The nearest code of each vector; ties go to the smaller code. There is no gradient. Where the backend has a kernel, no [B, K]
 * matrix is made, and distances are measured in float32 whatever the precision.
 *
 * @param x         [B, D] float32
 * @param codebook  [K, D] float32, at least one row
 * @returns codes [B] int32 in [0, K) · distances [B] to them, as `codeDistances` gives them
 * @throws RangeError when the widths differ or there is no code
 */
export function nearestCodes(
  x: tf.Tensor2D,
  codebook: tf.Tensor2D,
  distance: Distance,
): { codes: tf.Tensor1D; distances: tf.Tensor1D } {
  checkCodebook(x, codebook);
  if (hasKernel('NearestCodes')) {
    const [codes, distances] = runKernel<tf.Tensor1D[]>('NearestCodes', { x, codebook }, { distance });
    return { codes, distances };
  }
  return tf.tidy(() => {
    const codes: tf.Tensor1D[] = [];
    const distances: tf.Tensor1D[] = [];
    const rows = x.shape[0];
    for (let start = 0; start === 0 || start < rows; start += chunk) {
      const part = rows <= chunk ? x : tf.slice(x, [start, 0], [Math.min(chunk, rows - start), -1]);
      const matrix = codeDistances(part, codebook, distance); // [chunk, K]
      codes.push(tf.argMin(matrix, 1));
      distances.push(tf.min(matrix, 1));
    }
    return { codes: concat(codes), distances: concat(distances) };
  });
}

const concat = (parts: tf.Tensor1D[]) => (parts.length === 1 ? parts[0] : tf.concat(parts));

/**
 * Distances from vectors to every code.
 *
 * @param x         [B, D] float32
 * @param codebook  [K, D] float32
 * @returns [B, K], at least 0: |x - e|^2, or 1 - cos(x, e) (a vector of length 0 is at distance 1 from every code)
 * @throws RangeError when the widths differ or there is no code
 */
export function codeDistances(x: tf.Tensor2D, codebook: tf.Tensor2D, distance: Distance): tf.Tensor2D {
  checkCodebook(x, codebook);
  if (distance === 'cosine') {
    const cosines: tf.Tensor2D = tf.matMul(unitRows(x), unitRows(codebook), false, true); // [B, K]
    return tf.relu(tf.sub(1, cosines) as tf.Tensor2D);
  }
  const products = tf.matMul(x, codebook, false, true); // [B, K]
  const lengths = tf.sum(tf.square(x), 1, true); // [B, 1]
  // Rounding can leave a small negative number where x is a code.
  return tf.relu(tf.add(tf.sub(lengths, tf.mul(2, products)), tf.sum(tf.square(codebook), 1)) as tf.Tensor2D);
}

/** @throws RangeError when the widths differ or there is no code */
export function checkCodebook(x: tf.Tensor2D, codebook: tf.Tensor2D): void {
  if (codebook.shape[0] === 0) {
    throw new RangeError('backend: codebook must have at least one code, got none; give it rows');
  }
  if (x.shape[1] !== codebook.shape[1]) {
    throw new RangeError(
      `backend: codebook width must be the vectors' ${x.shape[1]}, got ${codebook.shape[1]}; use the codebooks trained with this encoder`,
    );
  }
}
