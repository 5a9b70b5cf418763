import { clusterMeans, type Distance, kmeansPlusPlus, nearestCodes, tf } from '@codebeam/backend';
import { foldIn, type Key } from '@codebeam/random';

export interface KmeansOptions {
  /** K */
  clusters: number;
  /** Lloyd iterations at most; fewer once one lowers the sum of distances by less than a ten-thousandth. */
  iterations: number;
  /** 'cosine' is spherical k-means: clusters of directions (Dhillon & Modha 2001). */
  distance: Distance;
  key: Key;
}

export interface Kmeans {
  /** [K*D] */
  centroids: Float32Array;
  /** [N] int32, the cluster of each point under these centroids. */
  codes: Int32Array;
  /** Iterations done. */
  iterations: number;
}

/**
 * k-means: k-means++ seeding (Arthur & Vassilvitskii 2007), then Lloyd iterations. A cluster left without points is
 * moved to the point farthest from its own centroid. Deterministic for a key; ties go to the smaller cluster.
 *
 * With 'cosine' a centroid has the direction of the mean of its points' directions, and the length at which
 * subtracting it from its points leaves the least.
 *
 * @param points  [N*D] row major
 */
export async function kmeans(points: Float32Array, dim: number, options: KmeansOptions): Promise<Kmeans> {
  const { clusters, distance } = options;
  const numPoints = points.length / dim;
  if (!Number.isInteger(numPoints) || numPoints < 1) {
    throw new RangeError(`rqvae: k-means points must fill rows of ${dim}, got ${points.length} numbers`);
  }
  // On unit vectors both distances order the centroids alike.
  const rows = distance === 'cosine' ? unitLength(points, dim) : points;
  const x = tf.tensor2d(rows, [numPoints, dim]);
  let centroids = await seedCentroids(x, rows, clusters, options.key);
  let { codes, distances } = await assign(x, centroids, distance);
  let error = total(distances);
  let iteration = 0;
  for (let isSettled = false; iteration < options.iterations && !isSettled; iteration++) {
    fillEmptyClusters(codes, distances, clusters);
    centroids = await moveToMeans(x, codes, centroids);
    if (distance === 'cosine') centroids = unitLength(centroids, dim);
    ({ codes, distances } = await assign(x, centroids, distance));
    const newError = total(distances);
    isSettled = error - newError <= 1e-4 * error;
    error = newError;
  }
  x.dispose();
  if (distance === 'cosine') scaleToPoints(points, codes, dim, centroids);
  return { centroids, codes, iterations: iteration };
}

/**
 * The nearest centroid of each point and the distance to it (see `codeDistances`); ties go to the smaller code.
 *
 * @param points     [N*D]
 * @param centroids  [K*D]
 */
export async function assignNearest(
  points: Float32Array,
  centroids: Float32Array,
  dim: number,
  distance: Distance,
): Promise<{ codes: Int32Array; distances: Float32Array }> {
  const x = tf.tensor2d(points, [points.length / dim, dim]);
  const assignment = await assign(x, centroids, distance);
  x.dispose();
  return assignment;
}

async function assign(
  x: tf.Tensor2D,
  centroids: Float32Array,
  distance: Distance,
): Promise<{ codes: Int32Array; distances: Float32Array }> {
  const codebook = tf.tensor2d(centroids, [centroids.length / x.shape[1], x.shape[1]]);
  const nearest = nearestCodes(x, codebook, distance);
  const codes = await nearest.codes.data<'int32'>();
  const distances = await nearest.distances.data<'float32'>();
  tf.dispose([codebook, nearest]);
  return { codes, distances };
}

/** Points drawn with probability proportional to their squared distance from those already drawn. [K*D] */
async function seedCentroids(x: tf.Tensor2D, points: Float32Array, clusters: number, key: Key): Promise<Float32Array> {
  const dim = x.shape[1];
  const drawn = await kmeansPlusPlus(x, clusters, key);
  const centroids = new Float32Array(clusters * dim);
  (await drawn.data<'int32'>()).forEach((point, cluster) => {
    centroids.set(points.subarray(point * dim, (point + 1) * dim), cluster * dim);
  });
  drawn.dispose();
  return centroids;
}

const total = (distances: Float32Array) => distances.reduce((sum, distance) => sum + distance, 0);

/** Gives each empty cluster the point that is farthest from its centroid and not alone in its cluster; in place. */
function fillEmptyClusters(codes: Int32Array, distances: Float32Array, clusters: number): void {
  const counts = new Int32Array(clusters);
  for (const code of codes) counts[code]++;
  if (counts.every((count) => count > 0)) return;
  const farthest = Int32Array.from(codes.keys()).sort((a, b) => distances[b] - distances[a] || a - b);
  let next = 0;
  for (let cluster = 0; cluster < clusters; cluster++) {
    if (counts[cluster] > 0) continue;
    while (next < farthest.length && counts[codes[farthest[next]]] < 2) next++;
    // Points that lie on their centroids would only make a copy of it.
    if (next === farthest.length || distances[farthest[next]] === 0) return;
    counts[codes[farthest[next]]]--;
    codes[farthest[next]] = cluster;
    counts[cluster] = 1;
    next++;
  }
}

/** Each centroid with points becomes their mean. [K*D] */
async function moveToMeans(x: tf.Tensor2D, codes: Int32Array, centroids: Float32Array): Promise<Float32Array> {
  const assigned = tf.tensor1d(codes, 'int32');
  const old = tf.tensor2d(centroids, [centroids.length / x.shape[1], x.shape[1]]);
  const means = await clusterMeans(x, assigned, old);
  const moved = await means.data<'float32'>();
  tf.dispose([assigned, old, means]);
  return moved;
}

/** Multiplies each unit centroid by the mean projection of its points on it; in place. */
function scaleToPoints(points: Float32Array, codes: Int32Array, dim: number, centroids: Float32Array): void {
  const counts = new Int32Array(centroids.length / dim);
  const projections = new Float64Array(counts.length);
  codes.forEach((code, point) => {
    counts[code]++;
    for (let i = 0; i < dim; i++) projections[code] += points[point * dim + i] * centroids[code * dim + i];
  });
  for (let i = 0; i < centroids.length; i++) {
    const code = Math.floor(i / dim);
    // A direction without points, or one that its points are at right angles to, keeps length 1.
    if (counts[code] > 0 && projections[code] > 0) centroids[i] *= projections[code] / counts[code];
  }
}

/** Rows divided by their lengths, rows of length 0 as they are: a copy. */
export function unitLength(points: Float32Array, dim: number): Float32Array {
  const rows = points.slice();
  for (let start = 0; start < rows.length; start += dim) {
    const length = lengthOf(rows, start, dim);
    if (length > 0) for (let i = start; i < start + dim; i++) rows[i] /= length;
  }
  return rows;
}

function lengthOf(points: Float32Array, start: number, dim: number): number {
  let sum = 0;
  for (let i = start; i < start + dim; i++) sum += points[i] * points[i];
  return Math.sqrt(sum);
}

export interface ResidualKmeansOptions extends Omit<KmeansOptions, 'clusters'> {
  /** L */
  levels: number;
  /** K */
  codebookSize: number;
  /** Cluster the directions of the residuals: each is brought to length 1 first. Ju et al. 2025 (GRID). */
  normaliseResiduals?: boolean;
}

/**
 * Codebooks by k-means level by level, each on what the levels before it leave over. Also the start of RQ-VAE's
 * codebooks (Rajput et al. 2023, sec. 3.1, "k-means clustering-based initialization"), applied there to latents.
 *
 * @param points  [N*D] row major
 * @returns codebooks L x [K*D] · codes [N*L] row major, as `residualQuantize` would choose them
 */
export async function residualKmeans(
  points: Float32Array,
  dim: number,
  options: ResidualKmeansOptions,
): Promise<{ codebooks: Float32Array[]; codes: Int32Array }> {
  const { levels, codebookSize, normaliseResiduals = false } = options;
  const numPoints = points.length / dim;
  const codebooks: Float32Array[] = [];
  const codes = new Int32Array(numPoints * levels);
  const residuals = points.slice();
  for (let level = 0; level < levels; level++) {
    const given = normaliseResiduals ? unitLength(residuals, dim) : residuals;
    const result = await kmeans(given, dim, { ...options, clusters: codebookSize, key: foldIn(options.key, level) });
    codebooks.push(result.centroids);
    result.codes.forEach((code, point) => {
      codes[point * levels + level] = code;
    });
    subtractCodeVectors(residuals, result.centroids, result.codes, dim, normaliseResiduals);
  }
  return { codebooks, codes };
}

/** Leaves in `residuals` what the code vectors do not explain; in place. */
export function subtractCodeVectors(
  residuals: Float32Array,
  codebook: Float32Array,
  codes: Int32Array,
  dim: number,
  normaliseResiduals: boolean,
): void {
  codes.forEach((code, point) => {
    const start = point * dim;
    const length = normaliseResiduals ? lengthOf(residuals, start, dim) : 1;
    for (let i = 0; i < dim; i++) residuals[start + i] -= length * codebook[code * dim + i];
  });
}
