import { adamwUpdate, tf } from '@codebeam/backend';
import type { NamedTensors, Optimizer } from './optimizer.js';

/**
 * Adam with decoupled weight decay. Loshchilov & Hutter 2019, algorithm 2, with the decay scaled by the learning rate
 * as PyTorch does; bias correction as at the end of sec. 2 of Kingma & Ba 2015, where it costs no operation per tensor.
 * Tensors of rank below 2 (norms and biases) are not decayed.
 *
 * @param options.weightDecay  share of a weight lost per unit of learning rate
 */
export function adamw(options: {
  learningRate: number;
  weightDecay?: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
}): Optimizer {
  const { learningRate, weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;

  return {
    learningRate,

    init(params) {
      const moments: NamedTensors = {};
      for (const [name, param] of Object.entries(params)) {
        moments[`first.${name}`] = tf.zerosLike(param);
        moments[`second.${name}`] = tf.zerosLike(param);
      }
      return moments;
    },

    update(params, gradients, moments, { step, learningRate, gradientScale }) {
      const correction2 = Math.sqrt(1 - beta2 ** step);
      const rates = {
        rate: (learningRate * correction2) / (1 - beta1 ** step),
        offset: epsilon * correction2,
        kept: 1 - learningRate * weightDecay,
        fresh1: 1 - beta1,
        fresh2: 1 - beta2,
      };
      const names = Object.keys(gradients);
      const updated = adamwUpdate(
        names.map((name) => ({
          param: params[name],
          gradient: gradients[name],
          first: moments[`first.${name}`],
          second: moments[`second.${name}`],
          decayed: weightDecay > 0 && params[name].rank >= 2,
        })),
        rates,
        gradientScale,
      );

      const newParams: NamedTensors = {};
      const newMoments: NamedTensors = {};
      for (const [i, name] of names.entries()) {
        newParams[name] = updated[i].param;
        newMoments[`first.${name}`] = updated[i].first;
        newMoments[`second.${name}`] = updated[i].second;
      }
      return { params: newParams, moments: newMoments };
    },
  };
}
