import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

export interface BprMaxOptions {
  /** a of the ELU that scores go through first: x above 0, a (e^x - 1) below; 0: they are taken as they are. */
  eluParam: number;
  /** Weight of the regularization of scores. */
  bpreg: number;
}

/**
 * BPR-max with score regularization: the mean over rows of -ln(sum_j w_j sigmoid(o_target - o_j)) + bpreg sum_j w_j o_j^2, where
 * the negatives j are all other columns and w is the softmax over them. Hidasi & Karatzoglou 2018, sec. 3.3; Clevert et al.
 * 2016, eq. 15 (ELU).
 *
 * Its gradient is made along with it, for the tape's would go over the matrix many times as often: with s = sigmoid(o_target - o),
 * P = sum w s and R = sum w o^2, that by o_j is w (1 - bpreg R) - w s^2 / P + bpreg w o (o + 2), and that by o_target is
 * sum w s^2 / P - 1.
 *
 * @param scores  [R, C] float32, C >= 2; the target of row r is column r
 * @returns       scalar
 * @throws RangeError when there are more rows than columns, or no negatives
 */
export function bprMax(scores: tf.Tensor2D, options: BprMaxOptions): tf.Scalar {
  const [rows, count] = scores.shape;
  if (rows > count || count < 2) {
    throw new RangeError(
      `backend: scores must have a column for each row's target and one more at least, got [${scores.shape}]; add negatives`,
    );
  }
  const op = tf.customGrad((x, save) => {
    const [loss, gradient] = hasKernel('BprMax')
      ? runKernel<tf.Tensor[]>('BprMax', { scores: x as tf.Tensor }, { ...options })
      : lossAndGradient(x as tf.Tensor2D, options);
    (save as tf.GradSaveFunc)([gradient]);
    return { value: loss, gradFunc: (dy: tf.Tensor, [gradient]: tf.Tensor[]) => tf.mul(gradient, dy) };
  });
  return op(scores) as tf.Scalar;
}

function lossAndGradient(x: tf.Tensor2D, { eluParam, bpreg }: BprMaxOptions): tf.Tensor[] {
  const [rows, count] = x.shape;
  const belowZero = tf.mul(tf.exp(tf.minimum(x, 0)), eluParam); // [R, C] a e^x
  const o = eluParam === 0 ? x : tf.add(tf.relu(x), tf.sub(belowZero, eluParam)); // [R, C]
  const slope = eluParam === 0 ? tf.onesLike(x) : tf.where(tf.greater(x, 0), tf.onesLike(x), belowZero); // [R, C]
  const isTarget = tf.oneHot(tf.range(0, rows, 1, 'int32'), count); // [R, C]
  const target = tf.sum(tf.mul(o, isTarget), 1, true); // [R, 1]
  const w = tf.softmax(tf.sub(o, tf.mul(isTarget, 1e9))); // [R, C] 0 at the target
  const s = tf.sigmoid(tf.sub(target, o)); // [R, C]
  const ws = tf.mul(w, s); // [R, C]
  const wo = tf.mul(w, o); // [R, C]
  const P = tf.add(tf.sum(ws, 1, true), 1e-24); // [R, 1]
  const R = tf.sum(tf.mul(wo, o), 1, true); // [R, 1]
  const loss = tf.mean(tf.sub(tf.mul(R, bpreg), tf.log(P)));
  const won = tf.div(tf.mul(ws, s), P); // [R, C] w s^2 / P
  const kept = tf.mul(w, tf.sub(1, tf.mul(R, bpreg))); // [R, C]
  const shrunk = tf.mul(wo, tf.mul(tf.add(o, 2), bpreg)); // [R, C]
  const atTarget = tf.mul(isTarget, tf.sub(tf.sum(won, 1, true), 1)); // [R, C]
  const byScore = tf.add(tf.add(tf.sub(kept, won), shrunk), atTarget); // [R, C]
  return [loss, tf.div(tf.mul(byScore, slope), rows)];
}
