import type { tf } from '@codebeam/backend';

/** Tensors by flat name, as `flattenParams` of nn gives them. */
export type NamedTensors = { [name: string]: tf.Tensor };

/**
 * How gradients change parameters. Values in, values out: `update` disposes nothing and leaves its arguments as they
 * are; the loop owns the tensors. Learning rates arrive per update, after the schedule.
 */
export interface Optimizer {
  /** The base rate that the schedule multiplies. */
  readonly learningRate: number;
  /** The moments before the first update, by flat name: `<moment>.<parameter>`. */
  init(params: NamedTensors): NamedTensors;
  /**
   * New tensors for each parameter that has a gradient, and for its moments; the others are left out.
   *
   * @param at.step           the number of this update, from 1
   * @param at.gradientScale  what all gradients are multiplied with first, as clipping does; 1 when left out
   */
  update(
    params: NamedTensors,
    gradients: NamedTensors,
    moments: NamedTensors,
    at: { step: number; learningRate: number; gradientScale?: tf.Scalar | undefined },
  ): { params: NamedTensors; moments: NamedTensors };
}
