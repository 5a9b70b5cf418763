import { createGenerator, type Generator, type Key } from '@codebeam/random';
import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

/**
 * Rows to begin k-means with: the first at random, each further one with probability proportional to its squared distance from
 * the nearest of those already drawn. Arthur & Vassilvitskii 2007, sec. 2.2. Distances are summed in float64 on every backend,
 * so that the draws are the same.
 *
 * @param points    [N, D] float32, at least one row
 * @param clusters  K
 * @returns [K] int32 rows of points; once all points are drawn or doubled, any
 * @throws RangeError when there is no point
 */
export async function kmeansPlusPlus(points: tf.Tensor2D, clusters: number, key: Key): Promise<tf.Tensor1D> {
  const [rows, dim] = points.shape;
  if (rows === 0) throw new RangeError('backend: k-means points must be at least one row, got none; give it points');
  const generator = createGenerator(key);
  const first = generator.integer(rows);
  if (hasKernel('KmeansPlusPlus')) {
    const uniforms = Float64Array.from({ length: clusters }, () => generator.uniform());
    return runKernel<tf.Tensor1D>('KmeansPlusPlus', { points }, { clusters, first, uniforms });
  }
  const values = await points.data<'float32'>();
  const drawn = new Int32Array(clusters);
  const squared = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  let chosen = first;
  for (let cluster = 0; cluster < clusters; cluster++) {
    drawn[cluster] = chosen;
    lowerDistances(values, dim, chosen, squared);
    chosen = drawProportionally(squared, generator);
  }
  return tf.tensor1d(drawn, 'int32');
}

/** An index drawn with probability proportional to its weight; any when all weights are 0. */
export function drawProportionally(weights: Float64Array, generator: Generator): number {
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  const uniform = generator.uniform();
  if (mass === 0) return Math.floor(uniform * weights.length);
  const threshold = mass * uniform;
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length && sum <= threshold; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i];
    last = i;
  }
  return last;
}

/** squared[i] becomes |x_i - x_chosen|^2 where that is less; in place. */
function lowerDistances(points: Float32Array, dim: number, chosen: number, squared: Float64Array): void {
  const seed = points.subarray(chosen * dim, (chosen + 1) * dim);
  for (let point = 0; point < squared.length; point++) {
    const start = point * dim;
    const bound = squared[point];
    let sum = 0;
    // A sum of squares only grows: past the bound, the rest need not be read.
    for (let i = 0; i < dim && sum < bound; i++) {
      const difference = points[start + i] - seed[i];
      sum += difference * difference;
    }
    if (sum < bound) squared[point] = sum;
  }
}
