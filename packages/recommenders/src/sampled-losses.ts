/**
 * Losses of targets and sampled negatives.
 *
 * Two are of b targets among C items whose first b are the targets themselves: each one's negatives are the other targets and the samples
 * that all of them share. Hidasi & Karatzoglou 2018, sec. 3. The others are of scores.
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
  return bprMaxOfScores(elu(tf.matMul(hidden, classes, false, true), eluParam), bpreg);
}

/**
 * The loss from scores [b, C]. Its gradient is written out, for the tape's would go over the matrix three times as often: with s =
 * sigmoid(o_target - o), P = sum w s and R = sum w o^2, that by o_j is w (1 - bpreg R) - w s^2 / P + bpreg w o (o + 2), and that by
 * o_target is sum w s^2 / P - 1.
 */
function bprMaxOfScores(scores: tf.Tensor2D, bpreg: number): tf.Scalar {
  const [slots, count] = scores.shape;
  const op = tf.customGrad((x, save) => {
    const o = x as tf.Tensor2D;
    const diagonal = tf.oneHot(tf.range(0, slots, 1, 'int32'), count); // [b, C]
    const w = tf.softmax(tf.sub(o, tf.mul(diagonal, 1e9))); // [b, C] 0 at the target
    const target = tf.sum(tf.mul(o, diagonal), 1, true); // [b, 1]
    const s = tf.sigmoid(tf.sub(target, o)); // [b, C]
    const ws = tf.mul(w, s); // [b, C]
    const wo = tf.mul(w, o); // [b, C]
    const P = tf.add(tf.sum(ws, 1, true), 1e-24); // [b, 1]
    const R = tf.sum(tf.mul(wo, o), 1, true); // [b, 1]
    (save as tf.GradSaveFunc)([o, diagonal, w, s, ws, wo, P, R]);
    return {
      value: tf.mean(tf.sub(tf.mul(R, bpreg), tf.log(P))),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [o, diagonal, w, s, ws, wo, P, R] = saved;
        const won = tf.div(tf.mul(ws, s), P); // [b, C] w s^2 / P
        const kept = tf.mul(w, tf.sub(1, tf.mul(R, bpreg)));
        const shrunk = tf.mul(wo, tf.mul(tf.add(o, 2), bpreg));
        const atTarget = tf.mul(diagonal, tf.sub(tf.sum(won, 1, true), 1));
        return tf.mul(tf.add(tf.add(tf.sub(kept, won), shrunk), atTarget), tf.div(dy, slots));
      },
    };
  });
  return op(scores) as tf.Scalar;
}

/** x above 0, a (e^x - 1) below. Clevert et al. 2016, eq. 15. */
function elu(x: tf.Tensor2D, a: number): tf.Tensor2D {
  return a === 0 ? x : tf.add(tf.relu(x), tf.mul(tf.sub(tf.exp(tf.minimum(x, 0)), 1), a));
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
