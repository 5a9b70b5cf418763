import type { NativeKernel } from './kernel.js';

/** x and y [B, D] -> scalar */
export const MeanSquaredDistance: NativeKernel = ({ inputs: { x, y }, backend }) => {
  const [rows, width] = x.shape;
  const mean = backend.allocate([]);
  backend.kernels.meanSquaredDistance(backend.address(x), backend.address(y), rows, width, backend.address(mean));
  return mean;
};

/** x and y [B, D] and the gradient of the mean -> that of x [B, D]; y's is the same with x and y exchanged. */
export const MeanSquaredDistanceGradient: NativeKernel = ({ inputs: { x, y, dy }, backend }) => {
  const [rows, width] = x.shape;
  const dx = backend.allocate([rows, width]);
  backend.kernels.meanSquaredDistanceGradient(
    backend.address(x),
    backend.address(y),
    backend.address(dy),
    rows,
    width,
    backend.address(dx),
  );
  return dx;
};
