import { tf } from '@codebeam/backend';

/** How codes are chosen: by squared Euclidean distance, or by 1 - cosine similarity. */
export type Distance = 'l2' | 'cosine';

/**
 * Distances from vectors to every code.
 *
 * @param x         [B, D] float32
 * @param codebook  [K, D] float32
 * @returns [B, K], at least 0: |x - e|^2, or 1 - cos(x, e) (a vector of length 0 is at distance 1 from every code)
 * @throws RangeError when the widths differ
 */
export function codeDistances(x: tf.Tensor2D, codebook: tf.Tensor2D, distance: Distance): tf.Tensor2D {
  if (x.shape[1] !== codebook.shape[1]) {
    throw new RangeError(
      `rqvae: codebook width must be the vectors' ${x.shape[1]}, got ${codebook.shape[1]}; use the codebooks trained with this encoder`,
    );
  }
  if (distance === 'cosine') {
    const cosines: tf.Tensor2D = tf.matMul(unitRows(x), unitRows(codebook), false, true); // [B, K]
    return tf.relu(tf.sub(1, cosines) as tf.Tensor2D);
  }
  const products = tf.matMul(x, codebook, false, true); // [B, K]
  const lengths = tf.sum(tf.square(x), 1, true); // [B, 1]
  // Rounding can leave a small negative number where x is a code.
  return tf.relu(tf.add(tf.sub(lengths, tf.mul(2, products)), tf.sum(tf.square(codebook), 1)) as tf.Tensor2D);
}

/** [B] int32, the nearest code of each vector; ties go to the smaller code. */
export function nearestCodes(x: tf.Tensor2D, codebook: tf.Tensor2D, distance: Distance): tf.Tensor1D {
  return tf.argMin(codeDistances(x, codebook, distance), 1) as tf.Tensor1D;
}

/** [B, D] rows of length 1; rows of length 0 stay. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, rowLengths(x));
}

/** [B, 1], not below 1e-12, so that one can divide by them. */
export function rowLengths(x: tf.Tensor2D): tf.Tensor2D {
  return tf.maximum(tf.sqrt(tf.sum(tf.square(x), 1, true)), 1e-12);
}
