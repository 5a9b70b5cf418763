/**
 * Losses of b targets among C items whose first b are the targets themselves: each one's negatives are the other targets and the samples
 * that all of them share. Hidasi & Karatzoglou 2018, sec. 3.
 */
import { softmaxCrossEntropy, tf } from '@codebeam/backend';

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
 * BPR-max with score regularization: the mean of -ln(sum_j w_j sigmoid(o_target - o_j)) + bpreg sum_j w_j o_j^2, where w is the softmax
 * over the negatives j. Sec. 3.3.
 *
 * @param eluParam  of the ELU that the scores go through first; 0: they are taken as they are
 * @param bpreg     weight of the regularization
 */
export function bprMax(
  hidden: tf.Tensor2D,
  classes: tf.Tensor2D,
  { eluParam, bpreg }: { eluParam: number; bpreg: number },
): tf.Scalar {
  const [slots, count] = [hidden.shape[0], classes.shape[0]];
  const scores = elu(tf.matMul(hidden, classes, false, true), eluParam); // [b, C]
  const diagonal = tf.oneHot(tf.range(0, slots, 1, 'int32'), count) as tf.Tensor2D; // [b, C]
  const weights = tf.softmax(tf.sub(scores, tf.mul(diagonal, 1e9))); // [b, C] 0 at the target
  const target = tf.sum(tf.mul(scores, diagonal), 1, true); // [b, 1]
  const likelihood = tf.sum(tf.mul(weights, tf.sigmoid(tf.sub(target, scores))), 1); // [b]
  const penalty = tf.sum(tf.mul(weights, tf.square(scores)), 1); // [b]
  return tf.mean(tf.sub(tf.mul(penalty, bpreg), tf.log(tf.add(likelihood, 1e-24))));
}

/** x above 0, a (e^x - 1) below. Clevert et al. 2016, eq. 15. */
function elu(x: tf.Tensor2D, a: number): tf.Tensor2D {
  return a === 0 ? x : tf.add(tf.relu(x), tf.mul(tf.sub(tf.exp(tf.minimum(x, 0)), 1), a));
}
