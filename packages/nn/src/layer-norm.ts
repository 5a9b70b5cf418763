import { tf } from '@codebeam/backend';

/** What a normalised vector is scaled and shifted by. Ba, Kiros & Hinton 2016. */
export type LayerNorm = { weight: tf.Tensor1D; bias: tf.Tensor1D };

export function initLayerNorm(width: number): LayerNorm {
  return { weight: tf.ones([width]), bias: tf.zeros([width]) };
}
