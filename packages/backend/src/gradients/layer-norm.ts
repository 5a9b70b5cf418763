import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'LayerNorm',
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, [x, weight], attrs) => {
    const inputs = { x, weight, dy: dy as tf.Tensor };
    const [dx, dWeight, dBias] = runKernel<tf.Tensor[]>('LayerNormGradient', inputs, { ...attrs });
    return { x: () => dx, weight: () => dWeight, bias: () => dBias };
  },
});
