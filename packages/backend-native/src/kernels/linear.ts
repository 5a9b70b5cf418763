import type { NativeKernel } from './kernel.js';
import { _FusedMatMul } from './mat-mul.js';

/** x [R, I], weight [I, O], bias [O] -> [R, O] */
export const Linear: NativeKernel = ({ inputs: { x, weight, bias }, attrs: { activation }, backend }) =>
  _FusedMatMul({
    inputs: { a: x, b: weight, bias },
    attrs: { transposeA: false, transposeB: false, activation },
    backend,
  });

/** y [R, O] after relu and dy [R, O] -> d before relu [R, O] and its sum over rows [O] */
export const ReluBiasGradient: NativeKernel = ({ inputs: { y, dy }, backend }) => {
  const [rows, width] = y.shape;
  const dSum = backend.allocate([rows, width]);
  const dBias = backend.allocate([width]);
  backend.kernels.reluBiasGradient(
    backend.address(y),
    backend.address(dy),
    rows,
    width,
    backend.address(dSum),
    backend.address(dBias),
  );
  return [dSum, dBias];
};
