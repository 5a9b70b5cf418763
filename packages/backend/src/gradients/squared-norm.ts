import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'SquaredNorm',
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => tf.mul(x, tf.mul(dy as tf.Tensor, 2)) }),
});
