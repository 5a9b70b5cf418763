import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * Mean cross-entropy of softmax(logits + mask) against integer labels.
 *
 * @param logits  [R, V] float32
 * @param labels  [R] int32 in [0, V)
 * @param mask    [R, V] float32: 0, and a large negative number where a class is out of the question; none when left out
 * @returns       scalar, in nats
 * @throws RangeError when the shapes do not fit, TypeError when labels are not int32
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, mask?: tf.Tensor2D): tf.Scalar {
  check(logits, labels, mask);
  const [rows, classes] = logits.shape;
  if (hasKernel('SoftmaxCrossEntropy')) {
    return tf.tidy(() => {
      const inputs = { logits, labels, mask: mask ?? tf.zeros([0, classes]) };
      return runKernel<tf.Tensor[]>('SoftmaxCrossEntropy', inputs)[0] as tf.Scalar;
    });
  }
  // The gradient softmax - onehot needs no second pass through logSoftmax's own gradient.
  const op = tf.customGrad((x, save) => {
    const input = x as tf.Tensor2D;
    const logProbabilities = tf.logSoftmax(mask ? tf.add(input, mask) : input); // [R, V]
    const expected = tf.oneHot(labels, classes); // [R, V]
    (save as tf.GradSaveFunc)([logProbabilities, expected]);
    return {
      value: tf.neg(tf.div(tf.sum(tf.mul(logProbabilities, expected)), rows)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(tf.sub(tf.exp(saved[0]), saved[1]), tf.div(dy, rows)),
    };
  });
  return op(logits) as tf.Scalar;
}

function check(logits: tf.Tensor2D, labels: tf.Tensor1D, mask?: tf.Tensor2D): void {
  const rows = logits.shape[0];
  if (labels.shape[0] !== rows) {
    throw new RangeError(`backend: labels must have one entry per row of logits (${rows}), got ${labels.shape[0]}`);
  }
  if (labels.dtype !== 'int32') {
    throw new TypeError(`backend: labels must be int32, got ${labels.dtype}; make them with tf.tensor1d(.., 'int32')`);
  }
  if (mask && String(mask.shape) !== String(logits.shape)) {
    throw new RangeError(
      `backend: mask must have the shape of the logits, [${logits.shape}], got [${mask.shape}]; correct it`,
    );
  }
}
