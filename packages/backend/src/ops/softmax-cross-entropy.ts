import { tf } from '../tf.js';

/**
 * Mean cross-entropy of softmax(logits) against integer labels.
 *
 * @param logits  [R, V] float32
 * @param labels  [R] int32 in [0, V)
 * @returns       scalar, in nats
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const [rows, classes] = logits.shape;
  if (labels.shape[0] !== rows) {
    throw new RangeError(`backend: labels must have one entry per row of logits (${rows}), got ${labels.shape[0]}`);
  }
  // The gradient softmax - onehot needs no second pass through logSoftmax's own gradient.
  const op = tf.customGrad((x, save) => {
    const input = x as tf.Tensor2D;
    const logProbabilities = tf.logSoftmax(input); // [R, V]
    const expected = tf.oneHot(labels, classes); // [R, V]
    (save as tf.GradSaveFunc)([logProbabilities, expected]);
    return {
      value: tf.neg(tf.div(tf.sum(tf.mul(logProbabilities, expected)), rows)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(tf.sub(tf.exp(saved[0]), saved[1]), tf.div(dy, rows)),
    };
  });
  return op(logits) as tf.Scalar;
}
