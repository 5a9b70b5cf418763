import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** A parameter, its gradient and its moments, all of one shape. */
export interface AdamwTensors {
  param: tf.Tensor;
  gradient: tf.Tensor;
  first: tf.Tensor;
  second: tf.Tensor;
  /** Whether weight decay is for it. */
  decayed: boolean;
}

export interface AdamwRates {
  /** Of the change, bias correction included. */
  rate: number;
  /** Added to the root of the second moment. */
  offset: number;
  /** What decay leaves of a parameter. */
  kept: number;
  /** What a gradient adds to the first moment, and its square to the second: 1 - beta. */
  fresh1: number;
  fresh2: number;
}

/**
 * One step of AdamW for many parameters. Loshchilov & Hutter 2019, algorithm 2, the corrections drawn into the rates:
 * first += fresh1 (g - first), second += fresh2 (g^2 - second), param = kept param - rate first / (sqrt(second) + offset).
 *
 * @param gradientScale  what the gradients are multiplied with first, as clipping does; 1 when left out
 * @returns for each of them the new parameter and moments; the old ones are as they were
 */
export function adamwUpdate(
  all: readonly AdamwTensors[],
  { kept, ...rates }: AdamwRates,
  gradientScale?: tf.Scalar,
): { param: tf.Tensor; first: tf.Tensor; second: tf.Tensor }[] {
  for (const { param, gradient, first, second } of all) checkMoments(param, [gradient, first, second]);
  if (hasKernel('AdamW')) {
    return all.map(({ decayed, ...tensors }) => {
      const attrs = { ...rates, kept: decayed ? kept : 1 };
      const [param, first, second] = runKernel<tf.Tensor[]>('AdamW', { ...tensors, gradientScale }, attrs);
      return { param, first, second };
    });
  }
  return tf.tidy(() => {
    // Made once: each number handed to an operation would become a tensor of its own.
    const [rate, offset, share, fresh1, fresh2] = [rates.rate, rates.offset, kept, rates.fresh1, rates.fresh2].map(
      (x) => tf.scalar(x),
    );
    return all.map(({ param: oldParam, gradient: unscaled, first: oldFirst, second: oldSecond, decayed }) =>
      tf.tidy(() => {
        const gradient = gradientScale ? tf.mul(unscaled, gradientScale) : unscaled;
        const first = tf.add(oldFirst, tf.mul(fresh1, tf.sub(gradient, oldFirst)));
        const second = tf.add(oldSecond, tf.mul(fresh2, tf.sub(tf.square(gradient), oldSecond)));
        const change = tf.mul(rate, tf.div(first, tf.add(tf.sqrt(second), offset)));
        const param = tf.sub(decayed ? tf.mul(oldParam, share) : oldParam, change);
        return { param, first, second };
      }),
    );
  });
}

/** @throws RangeError when one of the others has not the parameter's shape */
export function checkMoments({ shape }: tf.Tensor, others: readonly tf.Tensor[]): void {
  for (const other of others) {
    if (tf.util.arraysEqual(other.shape, shape)) continue;
    throw new RangeError(
      `backend: gradient and moments must have their parameter's shape, [${shape}], got [${other.shape}]; correct them`,
    );
  }
}
