import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';
import { checkMoments } from './adamw-update.js';

/** A parameter, its gradient and its moments, all of one shape. */
export interface AdagradTensors {
  param: tf.Tensor;
  gradient: tf.Tensor;
  /** Sums of squared gradients. */
  squares: tf.Tensor;
  /** The last change, where there is momentum. */
  velocity?: tf.Tensor | undefined;
}

/**
 * One step of Adagrad. Duchi et al. 2011, fig. 1 (diagonal): squares += g^2, velocity = momentum velocity - rate g / (sqrt(squares) +
 * epsilon), param += velocity.
 *
 * @param gradientScale  what the gradient is multiplied with first, as clipping does; 1 when left out
 * @returns the new parameter and moments; the old ones are as they were
 */
export function adagradUpdate(
  { param, gradient, squares, velocity }: AdagradTensors,
  { rate, epsilon, momentum }: { rate: number; epsilon: number; momentum: number },
  gradientScale?: tf.Scalar,
): { param: tf.Tensor; squares: tf.Tensor; velocity?: tf.Tensor } {
  checkMoments(param, [gradient, squares, ...(velocity ? [velocity] : [])]);
  if (hasKernel('Adagrad')) {
    const inputs = { param, gradient, squares, velocity, gradientScale };
    const [newParam, newSquares, newVelocity] = runKernel<tf.Tensor[]>('Adagrad', inputs, { rate, epsilon, momentum });
    return { param: newParam, squares: newSquares, ...(newVelocity && { velocity: newVelocity }) };
  }
  return tf.tidy(() => {
    const scaled = gradientScale ? tf.mul(gradient, gradientScale) : gradient;
    const newSquares = tf.add(squares, tf.square(scaled));
    const change = tf.mul(tf.div(scaled, tf.add(tf.sqrt(newSquares), epsilon)), rate);
    if (!velocity) return { param: tf.sub(param, change), squares: newSquares };
    const newVelocity = tf.sub(tf.mul(velocity, momentum), change);
    return { param: tf.add(param, newVelocity), squares: newSquares, velocity: newVelocity };
  });
}
