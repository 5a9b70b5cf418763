import { addressesOf, attentionShape } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x [Q, D], norm [D], query [D, H*E], output [H*E, D], key and value [S, H*E], offsets -> [Q, D] */
export const CrossAttentionStep: NativeKernel = ({ inputs, attrs: { heads, epsilon }, backend }) => {
  const { x, norm, query, output, key, value } = inputs;
  const y = backend.allocate(x.shape);
  // Every query sees every key, at no bias and without dropout.
  const plain = { heads, causal: false, zeroDistance: 0, rate: 0, key: [0, 0] } as const;
  const bias = { ...key, shape: [heads, 0] };
  backend.kernels.crossAttentionStep(
    backend.precisionNumber,
    ...addressesOf(backend, { x, norm, query, output, key, value }),
    x.shape[1],
    epsilon,
    ...attentionShape({ ...inputs, bias }, query.shape[1], plain, backend),
    backend.address(y),
  );
  return y;
};
