import { mlp as mlpOp, tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';
import { type Affine, affine } from './affine.js';
import { type BatchNorm, batchNorm, batchNormInTraining, initBatchNorm } from './batch-norm.js';
import type { Dropout } from './dropout.js';
import { initLinear } from './linear.js';

const activations = {
  relu: (x: tf.Tensor2D): tf.Tensor2D => tf.relu(x),
  sigmoid: (x: tf.Tensor2D): tf.Tensor2D => tf.sigmoid(x),
  tanh: (x: tf.Tensor2D): tf.Tensor2D => tf.tanh(x),
  leakyrelu: (x: tf.Tensor2D): tf.Tensor2D => tf.leakyRelu(x, 0.01),
};
export type Activation = keyof typeof activations;
export const activationNames = Object.keys(activations) as [Activation, ...Activation[]];

/** Layers from the first to the last. */
export type Mlp = (Affine & { norm?: BatchNorm })[];

export interface MlpOptions {
  /** Between layers; ReLU when left out. */
  activation?: Activation;
  /** Whether it follows the last layer too; false when left out. */
  activateLast?: boolean;
}

/**
 * @param widths         input width, hidden widths, output width; He et al. 2015 initialisation for ReLU, zero biases
 * @param hasBatchNorms  whether each layer's sums are normalised before they are activated
 */
export function initMlp(key: Key, widths: readonly number[], hasBatchNorms = false): Mlp {
  return widths.slice(1).map((outputs, i) => ({
    ...initLinear(foldIn(key, i), widths[i], outputs, Math.sqrt(2 / widths[i])),
    bias: tf.zeros([outputs]) as tf.Tensor1D,
    ...(hasBatchNorms && { norm: initBatchNorm(outputs) }),
  }));
}

/**
 * Linear layers with an activation between them.
 *
 * @param x  [B, widths[0]]
 * @returns  [B, widths.at(-1)]
 */
export function mlp(layers: Mlp, x: tf.Tensor2D, options: MlpOptions = {}): tf.Tensor2D {
  const { activation = 'relu', activateLast = false } = options;
  if (activation === 'relu' && !layers.some(({ norm }) => norm)) {
    const output = mlpOp(x, layers); // one op
    return activateLast ? tf.relu(output) : output;
  }
  return layers.reduce((input, { norm, ...layer }, i) => {
    const sum = affine(layer, input); // [B, widths[i + 1]]
    return activate(norm ? batchNorm(norm, sum) : sum, i, layers, options);
  }, x);
}

/**
 * The same in training: what each layer reads is dropped from, and norms are of the batch.
 *
 * @returns the output, and new values of the norms' running averages by flat name within the layers
 */
export function mlpInTraining(
  layers: Mlp,
  x: tf.Tensor2D,
  dropout: Dropout,
  options: MlpOptions = {},
): { output: tf.Tensor2D; updates: { [name: string]: tf.Tensor } } {
  const updates: { [name: string]: tf.Tensor } = {};
  const output = layers.reduce((input, { norm, ...layer }, i) => {
    const sum = affine(layer, dropout(input)); // [B, widths[i + 1]]
    if (!norm) return activate(sum, i, layers, options);
    const normed = batchNormInTraining(norm, sum);
    for (const [name, average] of Object.entries(normed.updates)) updates[`${i}.norm.${name}`] = average;
    return activate(normed.output, i, layers, options);
  }, x);
  return { output, updates };
}

function activate(x: tf.Tensor2D, layer: number, { length }: Mlp, options: MlpOptions): tf.Tensor2D {
  const { activation = 'relu', activateLast = false } = options;
  return activateLast || layer + 1 < length ? activations[activation](x) : x;
}
