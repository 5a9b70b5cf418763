import type { NativeKernel } from './kernel.js';

/** scores [R, C] -> mean loss [], its gradient by the scores [R, C] */
export const BprMax: NativeKernel = ({ inputs: { scores }, attrs, backend }) => {
  const [rows, count] = scores.shape;
  const [loss, gradient] = [backend.allocate([]), backend.allocate(scores.shape)];
  backend.kernels.bprMax(
    backend.address(scores),
    rows,
    count,
    attrs.eluParam,
    attrs.bpreg,
    backend.address(loss),
    backend.address(gradient),
  );
  return [loss, gradient];
};
