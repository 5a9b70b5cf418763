import { adagradUpdate, tf } from '@codebeam/backend';
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
      for (const [name, gradient] of Object.entries(gradients)) {
        const [squares, velocity] = [moments[`squares.${name}`], moments[`velocity.${name}`]];
        const tensors = { param: params[name], gradient, squares, velocity };
        const updated = adagradUpdate(tensors, { rate: learningRate, epsilon, momentum }, gradientScale);
        newParams[name] = updated.param;
        newMoments[`squares.${name}`] = updated.squares;
        if (updated.velocity) newMoments[`velocity.${name}`] = updated.velocity;
      }
      return { params: newParams, moments: newMoments };
    },
  };
}
