import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'UnitRows',
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => runKernel<tf.Tensor>('UnitRowsGradient', { x, dy: dy as tf.Tensor }) }),
});
