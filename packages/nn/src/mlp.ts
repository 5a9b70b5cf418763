import { type MlpLayer, mlp as mlpOp, tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { initLinear } from './linear.js';

/** Layers from the first to the last. */
export type Mlp = MlpLayer[];

/**
 * @param widths  input width, hidden widths, output width; He et al. 2015 initialisation for ReLU, zero biases
 */
export function initMlp(key: Key, widths: readonly number[]): Mlp {
  return widths.slice(1).map((outputs, i) => ({
    ...initLinear(foldIn(key, i), widths[i], outputs, Math.sqrt(2 / widths[i])),
    bias: tf.zeros([outputs]) as tf.Tensor1D,
  }));
}

/**
 * Linear layers with ReLU between them, none after the last.
 *
 * @param x  [B, widths[0]]
 * @returns  [B, widths.at(-1)]
 */
export function mlp(layers: Mlp, x: tf.Tensor2D): tf.Tensor2D {
  return mlpOp(x, layers);
}
