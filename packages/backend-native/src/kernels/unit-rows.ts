import { float32Address } from './arguments.js';
import type { NativeKernel } from './kernel.js';

/** x [B, D] -> [B, D] */
export const UnitRows: NativeKernel = ({ inputs: { x }, backend }) => {
  const [rows, width] = x.shape;
  const out = backend.allocate(x.shape);
  backend.kernels.unitRows(rows, width, float32Address(backend, 'x', x, rows * width), backend.address(out));
  return out;
};

/** x, dy [B, D] -> dx */
export const UnitRowsGradient: NativeKernel = ({ inputs: { x, dy }, backend }) => {
  const [rows, width] = x.shape;
  const dx = backend.allocate(x.shape);
  backend.kernels.unitRowsGradient(
    rows,
    width,
    float32Address(backend, 'x', x, rows * width),
    float32Address(backend, 'dy', dy, rows * width),
    backend.address(dx),
  );
  return dx;
};
