import { hasKernel, runKernel } from '../kernel.js';
import { tf } from '../tf.js';

export interface TopKProductsOptions {
  /**
   * Items that a query must not get (its user's history): query b's are items[offsets[b]] to items[offsets[b + 1] - 1].
   * offsets [B + 1]; items in any order.
   */
  exclude?: { offsets: Int32Array; items: Int32Array };
}

/** Scores held at a time where the backend has no kernel: 16 MB of them. */
const chunkScores = 2 ** 22;

/**
 * The k items of greatest inner product with each query, best first; the smaller item first among equals. The [B, N] matrix of
 * scores is never held as a whole, and where the backend has a kernel not at all. There is no gradient.
 *
 * @param queries  [B, D] float32
 * @param items    [N, D] float32
 * @param k        in [1, N]
 * @returns values [B, k] float32 · indices [B, k] int32; -Infinity and -1 for places left over by exclusion
 * @throws RangeError when shapes, k, offsets or excluded items do not fit
 */
export function topKProducts(
  queries: tf.Tensor2D,
  items: tf.Tensor2D,
  k: number,
  options: TopKProductsOptions = {},
): { values: tf.Tensor2D; indices: tf.Tensor2D } {
  check(queries, items, k, options);
  const { exclude } = options;
  return tf.tidy(() => {
    if (!hasKernel('TopKProducts')) return inChunks(queries, items, k, exclude);
    const inputs = {
      queries,
      items,
      offsets: exclude && tf.tensor1d(exclude.offsets, 'int32'),
      excluded: exclude && tf.tensor1d(exclude.items, 'int32'),
    };
    const [values, indices] = runKernel<tf.Tensor2D[]>('TopKProducts', inputs, { k });
    return { values, indices };
  });
}

function inChunks(
  queries: tf.Tensor2D,
  items: tf.Tensor2D,
  k: number,
  exclude: TopKProductsOptions['exclude'],
): { values: tf.Tensor2D; indices: tf.Tensor2D } {
  const [rows, numItems] = [queries.shape[0], items.shape[0]];
  const chunk = Math.max(1, Math.floor(chunkScores / numItems));
  const values: tf.Tensor2D[] = [tf.zeros([0, k])];
  const indices: tf.Tensor2D[] = [tf.zeros([0, k], 'int32')];
  for (let start = 0; start < rows; start += chunk) {
    const count = Math.min(chunk, rows - start);
    const best = tf.tidy(() => {
      const products = tf.matMul(tf.slice(queries, [start, 0], [count, -1]), items, false, true); // [chunk, N]
      const scores = exclude ? tf.add(products, maskOf(exclude, start, count, numItems)) : products;
      return tf.topk(scores as tf.Tensor2D, k);
    });
    values.push(best.values);
    const isLeftOver = tf.equal(best.values, Number.NEGATIVE_INFINITY);
    indices.push(tf.where(isLeftOver, tf.fill([count, k], -1, 'int32'), best.indices));
  }
  return { values: tf.concat(values), indices: tf.concat(indices) };
}

/** [count, N] 0, and -Infinity where an item is excluded. */
function maskOf(
  { offsets, items }: NonNullable<TopKProductsOptions['exclude']>,
  start: number,
  count: number,
  numItems: number,
): tf.Tensor2D {
  const mask = new Float32Array(count * numItems);
  for (let row = 0; row < count; row++) {
    for (let i = offsets[start + row]; i < offsets[start + row + 1]; i++) {
      mask[row * numItems + items[i]] = Number.NEGATIVE_INFINITY;
    }
  }
  return tf.tensor2d(mask, [count, numItems]);
}

function check(queries: tf.Tensor2D, items: tf.Tensor2D, k: number, { exclude }: TopKProductsOptions): void {
  const [rows, numItems] = [queries.shape[0], items.shape[0]];
  if (queries.shape[1] !== items.shape[1]) {
    throw new RangeError(
      `backend: item width must be the queries' ${queries.shape[1]}, got ${items.shape[1]}; use vectors of one model`,
    );
  }
  if (!Number.isInteger(k) || k < 1 || k > numItems) {
    throw new RangeError(`backend: k must be an integer from 1 to the ${numItems} items, got ${k}; ask for fewer`);
  }
  if (!exclude) return;
  const { offsets, items: excluded } = exclude;
  const ascend = offsets.every((offset, i) => offset >= (offsets[i - 1] ?? 0));
  if (offsets.length !== rows + 1 || offsets[0] !== 0 || offsets[rows] !== excluded.length || !ascend) {
    throw new RangeError(
      `backend: offsets of excluded items must ascend from 0 to ${excluded.length} in ${rows + 1} entries, got ${offsets.length} from ${offsets[0]} to ${offsets.at(-1)}; one list per query`,
    );
  }
  const stray = excluded.find((item) => item < 0 || item >= numItems);
  if (stray !== undefined) {
    throw new RangeError(`backend: excluded items must be in [0, ${numItems}), got ${stray}; use item ids`);
  }
}
