/**
 * Losses of targets and sampled negatives.
 *
 * Two are of b targets among C items whose first b are the targets themselves: each one's negatives are the other targets and the samples
 * that all of them share. Hidasi & Karatzoglou 2018, sec. 3. The others are of scores.
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

/**
 * Binary cross-entropy of what was met and what was not: the mean of -ln sigmoid(o) over the scores of the one and -ln(1 - sigmoid(o)) over
 * those of the other, in nats. He et al. 2017, eq. 7; Kang & McAuley 2018, sec. 3.5.
 *
 * @param met    any shape
 * @param unmet  any shape
 */
export function binaryCrossEntropy(met: tf.Tensor, unmet: tf.Tensor): tf.Scalar {
  const sum = tf.add(tf.sum(tf.softplus(tf.neg(met))), tf.sum(tf.softplus(unmet)));
  return tf.div<tf.Scalar>(sum, met.size + unmet.size);
}

/**
 * Sampled softmax: the mean of -ln softmax(o)_target over each target and its K negatives, in nats. Jean et al. 2015, "On using very large
 * target vocabulary for neural machine translation", sec. 3. Scores less ln q, q how often an item is drawn, make it an estimate of the
 * softmax over all items.
 *
 * @param target     [R, 1]
 * @param negatives  [R, K]
 */
export function sampledSoftmax(target: tf.Tensor2D, negatives: tf.Tensor2D): tf.Scalar {
  const compared = tf.concat([target, negatives], 1); // [R, 1 + K]
  return tf.mean<tf.Scalar>(tf.sub(tf.logSumExp(compared, 1, true), target));
}
