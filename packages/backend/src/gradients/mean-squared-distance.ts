import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'MeanSquaredDistance',
  inputsToSave: ['x', 'y'],
  gradFunc: (dy, saved) => {
    const [x, y] = saved;
    const gradient = (of: tf.Tensor, from: tf.Tensor) =>
      runKernel<tf.Tensor>('MeanSquaredDistanceGradient', { x: of, y: from, dy: dy as tf.Tensor });
    return { x: () => gradient(x, y), y: () => gradient(y, x) };
  },
});
