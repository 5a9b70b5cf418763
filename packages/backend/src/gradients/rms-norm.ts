import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'RmsNorm',
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, [x, weight], attrs) => {
    const inputs = { x, weight, dy: dy as tf.Tensor };
    const [dx, dWeight] = runKernel<tf.Tensor[]>('RmsNormGradient', inputs, { ...attrs });
    return { x: () => dx, weight: () => dWeight };
  },
});
