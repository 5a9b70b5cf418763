import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** x's gradient is a product of its own: x is often data, which has none. */
tf.registerGradient({
  kernelName: 'Mlp',
  saveAllInputs: true,
  outputsToSave: [true],
  gradFunc: (dy, saved) => {
    const firstWeight = saved[1] as tf.Tensor2D; // after x
    const [dFirst, ...gradients] = runKernel<tf.Tensor2D[]>('MlpGradient', [...saved, dy as tf.Tensor]);
    return Object.fromEntries([
      ['0', () => tf.matMul(dFirst, firstWeight, false, true)],
      ...gradients.map((gradient, i) => [String(i + 1), () => gradient] as const),
    ]);
  },
});
