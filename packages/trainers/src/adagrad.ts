import { tf } from '@codebeam/backend';
import type { NamedTensors, Optimizer } from './optimizer.js';

/**
 * Adagrad: each weight's rate shrinks with the sum of its squared gradients. Duchi et al. 2011, fig. 1 (diagonal).
 * The paper's RQ-VAE trains with it at 0.4 (Rajput et al. 2023, sec. 4.1).
 *
 * @param options.initialSquares  what the sum begins with
 * @param options.momentum        share of the last change that is made again; 0: none
 */
export function adagrad(options: {
  learningRate: number;
  epsilon?: number;
  initialSquares?: number;
  momentum?: number;
}): Optimizer {
  const { learningRate, epsilon = 1e-10, initialSquares = 0, momentum = 0 } = options;

  return {
    learningRate,

    init(params) {
      const moments: NamedTensors = {};
      for (const [name, param] of Object.entries(params)) {
        moments[`squares.${name}`] = tf.fill(param.shape, initialSquares);
        if (momentum > 0) moments[`velocity.${name}`] = tf.zerosLike(param);
      }
      return moments;
    },

    update(params, gradients, moments, { learningRate, gradientScale }) {
      const newParams: NamedTensors = {};
      const newMoments: NamedTensors = {};
      for (const [name, unscaled] of Object.entries(gradients)) {
        const { param, squares, velocity } = tf.tidy(() => {
          const gradient = gradientScale ? tf.mul(unscaled, gradientScale) : unscaled;
          const squares = tf.add(moments[`squares.${name}`], tf.square(gradient));
          const change = tf.mul(tf.div(gradient, tf.add(tf.sqrt(squares), epsilon)), learningRate);
          if (momentum === 0) return { param: tf.sub(params[name], change), squares };
          const velocity = tf.sub(tf.mul(moments[`velocity.${name}`], momentum), change);
          return { param: tf.add(params[name], velocity), squares, velocity };
        });
        newParams[name] = param;
        newMoments[`squares.${name}`] = squares;
        if (velocity) newMoments[`velocity.${name}`] = velocity;
      }
      return { params: newParams, moments: newMoments };
    },
  };
}
