/**
 * Gated recurrent units, in the two formulas that GRU4Rec's layers have. Cho et al. 2014; Hidasi et al. 2016, sec. 3, eq. 1 to 4.
 *
 * Shapes: B sessions, D width of what is read, H units. Columns stand for the gates side by side: reset, update, candidate.
 */
import { gruCell, tf } from '@codebeam/backend';

/** The reset gate acts on what the hidden state has become: PyTorch's and cuDNN's formula. */
export type Gru = {
  /** [D, 3H] */
  input: tf.Tensor2D;
  /** [3H] */
  bias: tf.Tensor1D;
  /** [H, 3H] */
  hidden: tf.Tensor2D;
  /** [3H] */
  hiddenBias: tf.Tensor1D;
};

/** n = tanh(W x + r * (U h)), h' = (1 - z) n + z h; [B, D], [B, H] -> [B, H] */
export function gruStep({ input, bias, hidden, hiddenBias }: Gru, x: tf.Tensor2D, h: tf.Tensor2D): tf.Tensor2D {
  return gruCell({ ofInput: tf.matMul(x, input), bias, ofHidden: tf.matMul(h, hidden), hiddenBias, state: h });
}

/** A layer that reads one-hot vectors, so that W x is a row of a table; the reset gate acts on the hidden state itself. */
export type OneHotGru = {
  /** [3H] */
  bias: tf.Tensor1D;
  /** [H, 2H] of reset and update */
  gates: tf.Tensor2D;
  /** [H, H] */
  candidate: tf.Tensor2D;
};

/** n = tanh(W x + U (r * h)), h' = (1 - z) h + z n; rows of the table [B, 3H], [B, H] -> [B, H] */
export function oneHotGruStep({ bias, gates, candidate }: OneHotGru, rows: tf.Tensor2D, h: tf.Tensor2D): tf.Tensor2D {
  const units = h.shape[1];
  const [gatesOfX, candidateOfX] = tf.split(tf.add(rows, bias), [2 * units, units], 1); // [B, 2H], [B, H]
  const [r, z] = tf.split(tf.sigmoid(tf.add(gatesOfX, tf.matMul(h, gates))), 2, 1); // [B, H] each
  const n = tf.tanh(tf.add(candidateOfX, tf.matMul(tf.mul(r, h), candidate))); // [B, H]
  return tf.add(h, tf.mul(z, tf.sub(n, h)));
}
