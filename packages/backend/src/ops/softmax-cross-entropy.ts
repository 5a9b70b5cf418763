import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * Mean cross-entropy of softmax(hidden classes^T + mask) against integer labels. No matrix of logits is held where the backend
 * has a kernel.
 *
 * @param hidden   [R, D] float32
 * @param classes  [V, D] float32: what each class is compared with
 * @param labels   [R] int32 in [0, V)
 * @param mask     [R, V] float32: 0, and a large negative number where a class is out of the question; none when left out
 * @returns        scalar, in nats
 * @throws RangeError when the shapes do not fit, TypeError when labels are not int32
 */
export function softmaxCrossEntropy(
  hidden: tf.Tensor2D,
  classes: tf.Tensor2D,
  labels: tf.Tensor1D,
  mask?: tf.Tensor2D,
): tf.Scalar {
  check(hidden, classes, labels, mask);
  const [rows, count] = [hidden.shape[0], classes.shape[0]];
  if (hasKernel('SoftmaxCrossEntropy')) {
    return tf.tidy(() => {
      const inputs = { hidden, classes, labels, mask: mask ?? tf.zeros([0, count]) };
      return runKernel<tf.Tensor[]>('SoftmaxCrossEntropy', inputs)[0] as tf.Scalar;
    });
  }
  // The gradient softmax - onehot needs no second pass through logSoftmax's own gradient.
  const op = tf.customGrad((x, save) => {
    const input = x as tf.Tensor2D;
    const logProbabilities = tf.logSoftmax(mask ? tf.add(input, mask) : input); // [R, V]
    const expected = tf.oneHot(labels, count); // [R, V]
    (save as tf.GradSaveFunc)([logProbabilities, expected]);
    return {
      value: tf.neg(tf.div(tf.sum(tf.mul(logProbabilities, expected)), rows)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(tf.sub(tf.exp(saved[0]), saved[1]), tf.div(dy, rows)),
    };
  });
  return tf.tidy(() => op(tf.matMul(hidden, classes, false, true)) as tf.Scalar);
}

function check(hidden: tf.Tensor2D, classes: tf.Tensor2D, labels: tf.Tensor1D, mask?: tf.Tensor2D): void {
  const [rows, width] = hidden.shape;
  if (classes.shape[1] !== width) {
    throw new RangeError(`backend: classes must be as wide as hidden (${width}), got [${classes.shape}]; correct them`);
  }
  if (labels.shape[0] !== rows) {
    throw new RangeError(`backend: labels must have one entry per row of hidden (${rows}), got ${labels.shape[0]}`);
  }
  if (labels.dtype !== 'int32') {
    throw new TypeError(`backend: labels must be int32, got ${labels.dtype}; make them with tf.tensor1d(.., 'int32')`);
  }
  const logits = [rows, classes.shape[0]];
  if (mask && String(mask.shape) !== String(logits)) {
    throw new RangeError(
      `backend: mask must have a row for each of hidden and a column for each class, [${logits}], got [${mask.shape}]; correct it`,
    );
  }
}
