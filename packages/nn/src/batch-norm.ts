import { tf } from '@codebeam/backend';
import { initLayerNorm, type LayerNorm } from './layer-norm.js';

/**
 * What each feature [D] is normalised by where nothing is learnt, the running mean and variance, and what it is then scaled and shifted
 * by. Ioffe & Szegedy 2015. The running ones are not learnt by gradient: see {@link isRunningAverage}.
 */
export type BatchNorm = LayerNorm & { runningMean: tf.Tensor1D; runningVariance: tf.Tensor1D };

const epsilon = 1e-5;
/** Share of the batch in the new running averages. This and epsilon are PyTorch's. */
const momentum = 0.1;

export function initBatchNorm(width: number): BatchNorm {
  return { ...initLayerNorm(width), runningMean: tf.zeros([width]), runningVariance: tf.ones([width]) };
}

/** Whether a parameter, by its flat name, is moved by updates and not by the optimizer. */
export function isRunningAverage(name: string): boolean {
  return /(^|\.)running(Mean|Variance)$/.test(name);
}

/** x [B, D] -> [B, D] by the running averages. */
export function batchNorm({ runningMean, runningVariance, ...norm }: BatchNorm, x: tf.Tensor2D): tf.Tensor2D {
  return normalise(norm, x, runningMean, runningVariance);
}

/**
 * x [B, D] -> [B, D] by the mean and variance of the batch, and the running averages moved towards them.
 *
 * @throws RangeError when B is 1, for then nothing varies
 */
export function batchNormInTraining(
  { runningMean, runningVariance, ...norm }: BatchNorm,
  x: tf.Tensor2D,
): { output: tf.Tensor2D; updates: Pick<BatchNorm, 'runningMean' | 'runningVariance'> } {
  const rows = x.shape[0];
  if (rows < 2) {
    throw new RangeError(`nn: a batch must have at least 2 rows to be normalised, got ${rows}; choose a larger one`);
  }
  const { mean, variance } = tf.moments(x, 0); // [D] each
  const move = (old: tf.Tensor1D, fresh: tf.Tensor): tf.Tensor1D =>
    tf.add(tf.mul(old, 1 - momentum), tf.mul(fresh, momentum));
  return {
    output: normalise(norm, x, mean, variance),
    updates: {
      runningMean: move(runningMean, mean),
      runningVariance: move(runningVariance, tf.mul(variance, rows / (rows - 1))), // of what the batch is a sample of
    },
  };
}

function normalise({ weight, bias }: LayerNorm, x: tf.Tensor2D, mean: tf.Tensor, variance: tf.Tensor): tf.Tensor2D {
  const scale = tf.mul(weight, tf.rsqrt(tf.add(variance, epsilon))); // [D]
  return tf.add(tf.mul(tf.sub(x, mean), scale), bias);
}
