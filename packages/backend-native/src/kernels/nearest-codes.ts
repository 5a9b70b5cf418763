import type { TensorInfo } from '@tensorflow/tfjs-core';
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

/** x [B, D] and codebook [K, D], K >= 1 -> codes [B] int32, code vectors [B, D] and x less these [B, D]. */
export const VectorQuantize: NativeKernel = ({ inputs: { x, codebook }, attrs, backend }) => {
  const [rows, width] = x.shape;
  const [codes, distances] = NearestCodes({ inputs: { x, codebook }, attrs, backend }) as TensorInfo[];
  backend.disposeData(distances.dataId);
  const vectors = backend.allocate([rows, width]);
  const rest = backend.allocate([rows, width]);
  backend.kernels.takeCodes(
    backend.address(x),
    rows,
    width,
    backend.address(codebook),
    backend.address(codes),
    backend.address(vectors),
    backend.address(rest),
  );
  return [codes, vectors, rest];
};
