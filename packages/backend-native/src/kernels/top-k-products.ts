import type { NativeKernel } from './kernel.js';

/** queries [B, D] and items [N, D], with offsets [B + 1] and excluded items or neither -> values and indices [B, k]. */
export const TopKProducts: NativeKernel = ({
  inputs: { queries, items, offsets, excluded },
  attrs: { k },
  backend,
}) => {
  const [rows, width] = queries.shape;
  const values = backend.allocate([rows, k]);
  const indices = backend.allocate([rows, k], 'int32');
  backend.kernels.topKProducts(
    backend.precision === 'bfloat16',
    backend.address(queries),
    rows,
    backend.address(items),
    items.shape[0],
    width,
    k,
    offsets ? backend.address(offsets) : 0,
    excluded ? backend.address(excluded) : 0,
    backend.address(values),
    backend.address(indices),
  );
  return [values, indices];
};
