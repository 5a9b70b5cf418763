import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** Addresses fit one list. */
const mostPositions = 32;

/**
 * x [R, D], weights, bias [H, P+1] or [H, 0], ancestors [R, P], and for each earlier position p key<p> and value<p> [R', H*E]
 * -> x plus what is seen [R, D], and the new keys and values [R, H*E].
 */
export const SelfAttentionStep: NativeKernel = ({ inputs, attrs: { heads, epsilon }, backend }) => {
  const { x, norm, query, key, value, output, bias, ancestors } = inputs;
  const [rows, width] = x.shape;
  const all = query.shape[1];
  const past = ancestors.shape[1];
  if (past > mostPositions) {
    throw new RangeError(`backend-native: positions before a step must be at most ${mostPositions}, got ${past}`);
  }
  const results = [
    [rows, width],
    [rows, all],
    [rows, all],
  ].map((shape) => backend.allocate(shape));
  const earlier = Object.fromEntries(
    ['key', 'value'].flatMap((name) => Array.from({ length: past }, (_, p) => [name + p, inputs[name + p]])),
  );
  backend.kernels.selfAttentionStep(
    backend.precisionNumber,
    ...addressesOf(backend, { x, norm, query, key, value, output }),
    bias.shape[1] > 0 ? backend.address(bias) : 0,
    backend.list(addressesOf(backend, earlier)),
    backend.address(ancestors),
    rows,
    width,
    heads,
    all / heads,
    past,
    epsilon,
    ...results.map((tensor) => backend.address(tensor)),
  );
  return results;
};
