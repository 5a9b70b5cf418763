import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'VectorQuantize',
  inputsToSave: ['codebook'],
  outputsToSave: [true, false, false],
  gradFunc: (dy, saved) => {
    const [, dCodeVectors, dRest] = dy as unknown as tf.Tensor[];
    const [codebook, codes] = saved;
    return {
      x: () => tf.clone(dRest),
      codebook: () => tf.unsortedSegmentSum(dCodeVectors, codes as tf.Tensor1D, codebook.shape[0]),
    };
  },
});
