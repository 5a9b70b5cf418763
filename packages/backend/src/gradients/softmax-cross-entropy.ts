import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** The logits are made again. */
tf.registerGradient({
  kernelName: 'SoftmaxCrossEntropy',
  inputsToSave: ['hidden', 'classes', 'labels', 'mask'],
  outputsToSave: [false, true],
  gradFunc: (dys, [hidden, classes, labels, mask, logSums]) => {
    const [dy] = dys as unknown as tf.Tensor[];
    const inputs = { hidden, classes, labels, mask, logSums, dy };
    const [dHidden, dClasses] = runKernel<tf.Tensor[]>('SoftmaxCrossEntropyGradient', inputs);
    return { hidden: () => dHidden, classes: () => dClasses };
  },
});
