import { addressesOf } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** logits [B*W, N], beams, tree, and offsets [B+1] with blocked nodes or neither -> nodes, scores and parents [B*W'] */
export const BestChildren: NativeKernel = ({ inputs, attrs: { users, firstColumn, count, constrained }, backend }) => {
  const { logits, scores, nodes, firstChild, code, offsets, blocked } = inputs;
  const [rows, columns] = logits.shape;
  const size = [users * count];
  const results = [backend.allocate(size, 'int32'), backend.allocate(size), backend.allocate(size, 'int32')];
  backend.kernels.bestChildren(
    ...addressesOf(backend, { logits, scores }),
    ...[nodes, firstChild, code].map((tensor) => backend.address(tensor)),
    offsets ? backend.address(offsets) : 0,
    blocked ? backend.address(blocked) : 0,
    users,
    rows / users,
    columns,
    firstColumn,
    count,
    constrained,
    ...results.map((tensor) => backend.address(tensor)),
  );
  return results;
};
