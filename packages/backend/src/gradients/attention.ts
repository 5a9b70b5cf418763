import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/** Dao et al. 2022 (FlashAttention), algorithm 4: the probabilities come again from the scores and their log-sum-exp. */
tf.registerGradient({
  kernelName: 'Attention',
  inputsToSave: ['query', 'key', 'value', 'bias', 'queryOffsets', 'keyOffsets'],
  outputsToSave: [true, true],
  gradFunc: (dy, saved, attrs) => {
    const [query, key, value, bias, queryOffsets, keyOffsets, , logSums] = saved;
    const gradients = runKernel<tf.Tensor[]>(
      'AttentionGradient',
      { query, key, value, bias, queryOffsets, keyOffsets, logSums, dy: (dy as unknown as tf.Tensor[])[0] },
      attrs as never,
    );
    return {
      query: () => gradients[0],
      key: () => gradients[1],
      value: () => gradients[2],
      bias: () => gradients[3],
    };
  },
});
