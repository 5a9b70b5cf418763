import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'Linear',
  inputsToSave: ['x', 'weight'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight, y] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    // d before the activation: y > 0 where relu let the sum pass.
    const [dSum, dBias] =
      attrs.activation === 'relu'
        ? runKernel<tf.Tensor2D[]>('ReluBiasGradient', { y, dy: dy as tf.Tensor })
        : [dy as tf.Tensor2D, tf.sum(dy as tf.Tensor, 0)];
    return {
      x: () => tf.matMul(dSum, weight, false, true),
      weight: () => tf.matMul(x, dSum, true, false),
      bias: () => dBias,
    };
  },
});
