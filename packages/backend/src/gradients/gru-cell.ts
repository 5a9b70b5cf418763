import { runKernel } from '../kernel.js';
import { tf } from '../tf.js';

tf.registerGradient({
  kernelName: 'GruCell',
  inputsToSave: ['ofInput', 'bias', 'ofHidden', 'hiddenBias', 'state'],
  gradFunc: (dy, [ofInput, bias, ofHidden, hiddenBias, state]) => {
    const inputs = { ofInput, bias, ofHidden, hiddenBias, state, dy: dy as tf.Tensor };
    const [dInput, dBias, dHidden, dHiddenBias, dState] = runKernel<tf.Tensor[]>('GruCellGradient', inputs);
    return {
      ofInput: () => dInput,
      bias: () => dBias,
      ofHidden: () => dHidden,
      hiddenBias: () => dHiddenBias,
      state: () => dState,
    };
  },
});
