import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'SoftmaxCrossEntropy',
  inputsToSave: ['logits', 'labels', 'mask'],
  outputsToSave: [false, true],
  gradFunc: (dys, [logits, labels, mask, logSums]) => {
    const [dy] = dys as unknown as tf.Tensor[];
    const inputs = { logits, labels, mask, logSums, dy };
    return { logits: () => runKernel<tf.Tensor>('SoftmaxCrossEntropyGradient', inputs) };
  },
});
