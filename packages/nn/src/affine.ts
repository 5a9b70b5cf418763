import { tf } from '@codebeam/backend';
import type { Linear } from './linear.js';

/** A linear layer with a bias [O]. */
export type Affine = Linear & { bias: tf.Tensor1D };

/** x [B, I] -> [B, O] */
export function affine({ weight, bias }: Affine, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight), bias);
}
