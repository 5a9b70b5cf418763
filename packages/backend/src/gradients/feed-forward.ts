import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** The hidden layer is made again, with the same dropout. */
tf.registerGradient({
  kernelName: 'FeedForward',
  inputsToSave: ['x', 'input', 'output'],
  gradFunc: (dy, saved, attrs) => {
    const [x, input, output] = saved;
    const gradients = runKernel<tf.Tensor[]>(
      'FeedForwardGradient',
      { x, input, output, dy: dy as tf.Tensor },
      attrs as never,
    );
    return { x: () => gradients[0], input: () => gradients[1], output: () => gradients[2] };
  },
});
