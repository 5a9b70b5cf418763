import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** The hidden layer is made again, with the same dropout. */
tf.registerGradient({
  kernelName: 'FeedForwardLayer',
  inputsToSave: ['x', 'norm', 'input', 'output'],
  gradFunc: (dy, saved, attrs) => {
    const [x, norm, input, output] = saved;
    const inputs = { x, norm, input, output, dy: dy as tf.Tensor };
    const gradients = runKernel<tf.Tensor[]>('FeedForwardLayerGradient', inputs, { ...attrs });
    return Object.fromEntries(['x', 'norm', 'input', 'output'].map((name, i) => [name, () => gradients[i]]));
  },
});
