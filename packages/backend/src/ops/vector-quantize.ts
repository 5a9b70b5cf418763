import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { checkCodebook, type Distance, nearestCodes } from './nearest-codes.js';

/**
 * Vector quantization: each row takes its nearest code. van den Oord et al. 2017, sec. 3.1.
 *
 * @param x         [B, D] float32
 * @param codebook  [K, D] float32, at least one row
 * @returns codes [B] int32 in [0, K), the smaller of equally near ones · codeVectors [B, D], the codebook's rows taken,
 *          differentiable with respect to the codebook · rest [B, D], x - codeVectors, differentiable with respect to x alone
 * @throws RangeError when the widths differ or there is no code
 */
export function vectorQuantize(
  x: tf.Tensor2D,
  codebook: tf.Tensor2D,
  distance: Distance,
): { codes: tf.Tensor1D; codeVectors: tf.Tensor2D; rest: tf.Tensor2D } {
  checkCodebook(x, codebook);
  if (hasKernel('VectorQuantize')) {
    const [codes, codeVectors, rest] = runKernel<tf.Tensor[]>('VectorQuantize', { x, codebook }, { distance });
    return { codes: codes as tf.Tensor1D, codeVectors: codeVectors as tf.Tensor2D, rest: rest as tf.Tensor2D };
  }
  return tf.tidy(() => {
    // What a custom op computes without naming it as an input is a constant to the tape.
    const codes = tf.customGrad(() => ({ value: nearestCodes(x, codebook, distance).codes, gradFunc: () => [] }))();
    const codeVectors: tf.Tensor2D = tf.gather(codebook, codes as tf.Tensor1D);
    const rest = tf.customGrad((given) => ({
      value: tf.sub(given as tf.Tensor2D, codeVectors),
      gradFunc: (dy: tf.Tensor) => dy,
    }))(x);
    return { codes: codes as tf.Tensor1D, codeVectors, rest: rest as tf.Tensor2D };
  });
}
