import { addressesOf, attentionShape } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** query [Q, H*E], key and value [S, H*E] -> output [Q, H*E] and each row's log-sum-exp of scores [Q, H]. */
export const Attention: NativeKernel = ({ inputs, attrs, backend }) => {
  const { query, key, value } = inputs;
  const out = backend.allocate(query.shape);
  const logSums = backend.allocate([query.shape[0], attrs.heads]);
  backend.kernels.attention(
    backend.precisionNumber,
    ...attentionShape(inputs, query.shape[1], attrs, backend),
    ...addressesOf(backend, { query, key, value }),
    backend.address(out),
    backend.address(logSums),
  );
  return [out, logSums];
};

export const AttentionGradient: NativeKernel = ({ inputs, attrs, backend }) => {
  const { query, key, value, bias, logSums, dy } = inputs;
  const gradients = [query, key, value, bias].map(({ shape }) => backend.allocate(shape));
  backend.kernels.attentionGradient(
    backend.precisionNumber,
    ...attentionShape(inputs, query.shape[1], attrs, backend),
    ...addressesOf(backend, { query, key, value, logSums, dy }),
    ...gradients.slice(0, 3).map((tensor) => backend.address(tensor)),
    bias.shape[1] > 0 ? backend.address(gradients[3]) : 0,
  );
  return gradients;
};
