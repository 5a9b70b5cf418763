import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

const inputs = ['x', 'memory', 'norm', 'query', 'key', 'value', 'output', 'bias', 'queryOffsets', 'keyOffsets'];

/** Queries, keys, values and probabilities are made again, with the same dropout. */
tf.registerGradient({
  kernelName: 'AttentionLayer',
  inputsToSave: inputs,
  outputsToSave: [false, true],
  gradFunc: (dy, saved, attrs) => {
    const given = Object.fromEntries(inputs.map((name, i) => [name, saved[i]]));
    const gradients = runKernel<tf.Tensor[]>(
      'AttentionLayerGradient',
      { ...given, logSums: saved[inputs.length], dy: (dy as unknown as tf.Tensor[])[0] },
      { ...attrs },
    );
    return Object.fromEntries(inputs.slice(0, 8).map((name, i) => [name, () => gradients[i]]));
  },
});
