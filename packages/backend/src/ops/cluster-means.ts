import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * The mean of each cluster's points, summed in float64 in the order of the points on every backend: the step of k-means after
 * the assignment. Lloyd 1982.
 *
 * @param points     [N, D] float32
 * @param codes      [N] int32 in [0, K), the points' clusters
 * @param centroids  [K, D] float32; a cluster without points keeps its own
 * @returns [K, D]
 * @throws RangeError when the shapes do not fit
 */
export async function clusterMeans(
  points: tf.Tensor2D,
  codes: tf.Tensor1D,
  centroids: tf.Tensor2D,
): Promise<tf.Tensor2D> {
  const [rows, dim] = points.shape;
  const [clusters, width] = centroids.shape;
  if (codes.shape[0] !== rows || width !== dim) {
    throw new RangeError(
      `backend: codes and centroids must be [${rows}] and [K, ${dim}] for points [${points.shape}], got [${codes.shape}] and [${centroids.shape}]; pass those of these points`,
    );
  }
  if (hasKernel('ClusterMeans')) return runKernel<tf.Tensor2D>('ClusterMeans', { points, codes, centroids });
  const [values, clusterOf, means] = await Promise.all([
    points.data<'float32'>(),
    codes.data<'int32'>(),
    centroids.data<'float32'>().then((own) => own.slice()),
  ]);
  const sums = new Float64Array(clusters * dim);
  const counts = new Int32Array(clusters);
  clusterOf.forEach((code, point) => {
    counts[code]++;
    for (let i = 0; i < dim; i++) sums[code * dim + i] += values[point * dim + i];
  });
  for (let i = 0; i < sums.length; i++) {
    const count = counts[Math.floor(i / dim)];
    if (count > 0) means[i] = sums[i] / count;
  }
  return tf.tensor2d(means, [clusters, dim]);
}
