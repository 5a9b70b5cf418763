import type { NativeKernel } from './kernel.js';

/** x [N, D] and codebook [K, D], K >= 1 -> codes [N] int32 and the distances [N] to them. */
export const NearestCodes: NativeKernel = ({ inputs: { x, codebook }, attrs: { distance }, backend }) => {
  const [rows, width] = x.shape;
  const codes = backend.allocate([rows], 'int32');
  const distances = backend.allocate([rows]);
  backend.kernels.nearestCodes(
    backend.address(x),
    rows,
    backend.address(codebook),
    codebook.shape[0],
    width,
    distance === 'cosine',
    backend.address(codes),
    backend.address(distances),
  );
  return [codes, distances];
};
