import type { NativeKernel } from './kernel.js';

/** points [N, D], N >= 1, and numbers in [0, 1), one for each draw after the first -> rows of points [K] int32. */
export const KmeansPlusPlus: NativeKernel = ({ inputs: { points }, attrs, backend }) => {
  const { clusters, first, uniforms } = attrs as { clusters: number; first: number; uniforms: Float64Array };
  const [rows, width] = points.shape;
  const drawn = backend.allocate([clusters], 'int32');
  // The arena knows no float64: two float32 places for each number.
  const numbers = backend.allocate([2 * clusters]);
  const { buffer, byteOffset } = backend.view(numbers);
  new Float64Array(buffer, byteOffset, clusters).set(uniforms);
  backend.kernels.kmeansPlusPlus(
    backend.address(points),
    rows,
    width,
    clusters,
    first,
    backend.address(numbers),
    backend.address(drawn),
  );
  backend.disposeData(numbers.dataId);
  return drawn;
};

/** points [N, D], codes [N] int32, centroids [K, D] -> the means of the clusters [K, D]; empty ones keep their centroid. */
export const ClusterMeans: NativeKernel = ({ inputs: { points, codes, centroids }, backend }) => {
  const [rows, width] = points.shape;
  const means = backend.allocate(centroids.shape);
  backend.kernels.clusterMeans(
    backend.address(points),
    backend.address(codes),
    rows,
    width,
    centroids.shape[0],
    backend.address(centroids),
    backend.address(means),
  );
  return means;
};
