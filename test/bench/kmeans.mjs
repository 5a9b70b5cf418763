// Residual k-means of the items' vectors themselves, 3 x 256 codes, at most 50 iterations a level: the whole of it, once.
import { createKey } from '@codebeam/random';
import { residualKmeans } from '@codebeam/rqvae';
import { loadVectors } from './beauty.mjs';

export async function run({ raw }) {
  const { values, rows, dim } = await loadVectors(raw);
  const options = { levels: 3, codebookSize: 256, iterations: 50, distance: 'l2', key: createKey(1, 'init') };
  const start = performance.now();
  const { codes } = await residualKmeans(values, dim, options);
  const seconds = (performance.now() - start) / 1000;
  const tuples = new Set(Array.from({ length: rows }, (_, row) => codes.slice(3 * row, 3 * row + 3).join()));
  console.log(`${rows} x ${dim}, 3 x 256 codes: ${seconds.toFixed(2)} s; ${tuples.size} tuples in use`);
  return { seconds, items: rows, model: 'residual k-means, 3 x 256' };
}
