import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** What a gated recurrent unit has of its input and of its state. Columns stand for reset, update, candidate. */
export type GruCellInputs = {
  /** [B, 3H] W x */
  ofInput: tf.Tensor2D;
  /** [3H] b */
  bias: tf.Tensor1D;
  /** [B, 3H] U h */
  ofHidden: tf.Tensor2D;
  /** [3H] c */
  hiddenBias: tf.Tensor1D;
  /** [B, H] h */
  state: tf.Tensor2D;
};

/**
 * The state of a gated recurrent unit after its input: r and z are sigmoid(W x + b + U h + c), n = tanh(W x + b + r (U h + c)),
 * h' = (1 - z) n + z h. Cho et al. 2014, sec. 2.3, with the reset gate on what the state has become, as PyTorch and cuDNN have it.
 *
 * @returns [B, H]
 */
export function gruCell(inputs: GruCellInputs): tf.Tensor2D {
  if (hasKernel('GruCell')) return runKernel<tf.Tensor2D>('GruCell', { ...inputs });
  const { ofInput, bias, ofHidden, hiddenBias, state } = inputs;
  const units = state.shape[1];
  const split = [2 * units, units];
  const [gatesOfX, candidateOfX] = tf.split(tf.add(ofInput, bias), split, 1); // [B, 2H], [B, H]
  const [gatesOfH, candidateOfH] = tf.split(tf.add(ofHidden, hiddenBias), split, 1); // [B, 2H], [B, H]
  const [r, z] = tf.split(tf.sigmoid(tf.add(gatesOfX, gatesOfH)), 2, 1); // [B, H] each
  const n = tf.tanh(tf.add(candidateOfX, tf.mul(r, candidateOfH))); // [B, H]
  return tf.add(n, tf.mul(z, tf.sub(state, n)));
}
