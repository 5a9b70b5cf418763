import { meanSquaredDistance, tf } from '@codebeam/backend';
import { stopGradient } from './stop-gradient.js';

/**
 * |x - x^|^2, summed over the components, mean over the batch. Rajput et al. 2023 (TIGER), sec. 3.1.
 *
 * @param x, reconstruction  [B, E]
 */
export function reconstructionLoss(x: tf.Tensor2D, reconstruction: tf.Tensor2D): tf.Scalar {
  return meanSquaredDistance(x, reconstruction);
}

/** Sum over levels of |sg[r] - e|^2: moves the code vectors to the residuals. [B, D] each; mean over the batch. */
export function codebookLoss(residuals: readonly tf.Tensor2D[], codeVectors: readonly tf.Tensor2D[]): tf.Scalar {
  return tf.addN(residuals.map((r, level) => meanSquaredDistance(stopGradient(r), codeVectors[level])));
}

/** Sum over levels of |r - sg[e]|^2: keeps the encoder near the code vectors. [B, D] each; mean over the batch. */
export function commitmentLoss(residuals: readonly tf.Tensor2D[], codeVectors: readonly tf.Tensor2D[]): tf.Scalar {
  return tf.addN(residuals.map((r, level) => meanSquaredDistance(r, stopGradient(codeVectors[level]))));
}
