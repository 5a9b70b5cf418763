/**
 * Losses of b targets among C items whose first b are the targets themselves: each one's negatives are the other targets and the samples
 * that all of them share. Hidasi & Karatzoglou 2018, sec. 3.
 */
import { type BprMaxOptions, bprMax, softmaxCrossEntropy, tf } from '@codebeam/backend';

/**
 * Cross-entropy: the mean of -ln softmax(o)_target, in nats.
 *
 * @param hidden   [b, H]
 * @param classes  [C, H] scores are inner products of the two
 */
export function sampledCrossEntropy(hidden: tf.Tensor2D, classes: tf.Tensor2D): tf.Scalar {
  return softmaxCrossEntropy(hidden, classes, tf.range(0, hidden.shape[0], 1, 'int32'));
}

/**
 * BPR-max with score regularization, by `bprMax` of the backend.
 *
 * @param hidden   [b, H]
 * @param classes  [C, H] scores are inner products of the two
 */
export function sampledBprMax(hidden: tf.Tensor2D, classes: tf.Tensor2D, options: BprMaxOptions): tf.Scalar {
  return bprMax(tf.matMul(hidden, classes, false, true), options);
}
