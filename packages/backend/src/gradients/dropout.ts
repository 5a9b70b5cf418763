import type { Key } from '@codebeam/random';
import { dropout } from '../ops/dropout.js';
import { tf } from '../tf.js';

type Attrs = { rate: number; key: Key };

// The mask is made a second time from the key: cheaper than keeping it.
tf.registerGradient({
  kernelName: 'Dropout',
  gradFunc: (dy, _, attrs) => {
    const { rate, key } = attrs as unknown as Attrs;
    return { x: () => dropout(dy as tf.Tensor, rate, key) };
  },
});
