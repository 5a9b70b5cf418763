import { tf } from '@codebeam/backend';
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

    update(params, gradients, moments, { step, learningRate }) {
      const newParams: NamedTensors = {};
      const newMoments: NamedTensors = {};
      const correction2 = Math.sqrt(1 - beta2 ** step);
      // Made once: each number handed to an operation would become a tensor of its own.
      const rate = tf.scalar((learningRate * correction2) / (1 - beta1 ** step));
      const offset = tf.scalar(epsilon * correction2);
      const kept = tf.scalar(1 - learningRate * weightDecay);
      const [fresh1, fresh2] = [tf.scalar(1 - beta1), tf.scalar(1 - beta2)];

      for (const [name, gradient] of Object.entries(gradients)) {
        const [param, first, second] = tf.tidy(() => {
          const oldFirst = moments[`first.${name}`];
          const oldSecond = moments[`second.${name}`];
          const first = tf.add(oldFirst, tf.mul(fresh1, tf.sub(gradient, oldFirst)));
          const second = tf.add(oldSecond, tf.mul(fresh2, tf.sub(tf.square(gradient), oldSecond)));
          const change = tf.mul(rate, tf.div(first, tf.add(tf.sqrt(second), offset)));
          const decayed = weightDecay > 0 && gradient.rank >= 2 ? tf.mul(params[name], kept) : params[name];
          return [tf.sub(decayed, change), first, second];
        });
        newParams[name] = param;
        newMoments[`first.${name}`] = first;
        newMoments[`second.${name}`] = second;
      }
      tf.dispose([rate, offset, kept, fresh1, fresh2]);
      return { params: newParams, moments: newMoments };
    },
  };
}
