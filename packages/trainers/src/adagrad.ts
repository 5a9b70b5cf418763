import { tf } from '@codebeam/backend';
import type { NamedTensors, Optimizer } from './optimizer.js';

/**
 * Adagrad: each weight's rate shrinks with the sum of its squared gradients. Duchi et al. 2011, fig. 1 (diagonal).
 * The paper's RQ-VAE trains with it at 0.4 (Rajput et al. 2023, sec. 4.1).
 */
export function adagrad(options: { learningRate: number; epsilon?: number }): Optimizer {
  const { learningRate, epsilon = 1e-10 } = options;

  return {
    learningRate,

    init(params) {
      const moments: NamedTensors = {};
      for (const [name, param] of Object.entries(params)) moments[`squares.${name}`] = tf.zerosLike(param);
      return moments;
    },

    update(params, gradients, moments, { learningRate, gradientScale }) {
      const newParams: NamedTensors = {};
      const newMoments: NamedTensors = {};
      for (const [name, unscaled] of Object.entries(gradients)) {
        const [param, squares] = tf.tidy(() => {
          const gradient = gradientScale ? tf.mul(unscaled, gradientScale) : unscaled;
          const squares = tf.add(moments[`squares.${name}`], tf.square(gradient));
          const change = tf.mul(tf.div(gradient, tf.add(tf.sqrt(squares), epsilon)), learningRate);
          return [tf.sub(params[name], change), squares];
        });
        newParams[name] = param;
        newMoments[`squares.${name}`] = squares;
      }
      return { params: newParams, moments: newMoments };
    },
  };
}
