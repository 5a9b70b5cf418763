import type { Distance } from '@codebeam/backend';
import { assignColumns } from './assignment.js';
import { unitLength } from './kmeans.js';
import { groupByPrefix } from './semantic-ids.js';
import { sinkhornPlan } from './sinkhorn.js';

/**
 * Gives items that share all codes but the last last codes of their own, as far from their nearest ones as little as
 * possible: the uniform semantic mapping of Zheng et al. 2024 (LC-Rec), sec. 3.2.1, which solves this transport problem
 * with Sinkhorn iterations.
 *
 * A group of at most K items gets distinct codes. The most probable matching under the Sinkhorn plan is there the one
 * of least total distance, whatever the epsilon (the potentials cancel), so it is computed as such. A larger group gets
 * the Sinkhorn plan with all codes equally used, rounded from its largest entries down, no code above ceil(n / K) times.
 *
 * @param codes      [N*L] row major; left as they are
 * @param residuals  [N*D] what the last level quantizes
 * @param codebook   [K*D] the last level's
 * @returns codes [N*L] · moved: items whose last code changed · meanDistance: to the code vector (squared, or 1 - cosine),
 *          over all items, before and after
 */
export function balanceLastLevel(
  codes: Int32Array,
  residuals: Float32Array,
  codebook: Float32Array,
  { levels, dim, distance }: { levels: number; dim: number; distance: Distance },
): { codes: Int32Array; moved: number; meanDistance: { before: number; after: number } } {
  const balanced = codes.slice();
  const numItems = codes.length / levels;
  const numCodes = codebook.length / dim;
  const distanceTo = distancesToCodes(residuals, codebook, { dim, distance });
  for (const items of itemsByPrefix(codes, levels)) {
    if (items.length === 1) continue;
    const costs = new Float64Array(items.length * numCodes); // [n, K]
    items.forEach((item, row) => {
      for (let code = 0; code < numCodes; code++) costs[row * numCodes + code] = distanceTo(item, code);
    });
    const assigned =
      items.length <= numCodes
        ? assignColumns(costs, items.length, numCodes)
        : roundPlan(uniformPlan(costs, items.length, numCodes), items.length, numCodes);
    items.forEach((item, row) => {
      balanced[(item + 1) * levels - 1] = assigned[row];
    });
  }
  let moved = 0;
  const total = { before: 0, after: 0 };
  for (let item = 0; item < numItems; item++) {
    const last = (item + 1) * levels - 1;
    if (balanced[last] !== codes[last]) moved++;
    total.before += distanceTo(item, codes[last]);
    total.after += distanceTo(item, balanced[last]);
  }
  return {
    codes: balanced,
    moved,
    meanDistance: { before: total.before / numItems, after: total.after / numItems },
  };
}

/**
 * Gives items that join a balanced catalogue the nearest last codes that are free in their groups, in their order, so that nobody's
 * ID changes; where a group has all K in use, the nearest one stays.
 *
 * @param taken      [N*(L+1)] IDs of the items that are there, collision codes included
 * @param codes      [M*L] row major, of the new items; left as they are
 * @param residuals  [M*D] what the last level quantizes
 * @param codebook   [K*D] the last level's
 * @returns          [M*L]
 */
export function takeFreeCodes(
  taken: Int32Array,
  codes: Int32Array,
  residuals: Float32Array,
  codebook: Float32Array,
  { levels, dim, distance }: { levels: number; dim: number; distance: Distance },
): Int32Array {
  const chosen = codes.slice();
  const numCodes = codebook.length / dim;
  const distanceTo = distancesToCodes(residuals, codebook, { dim, distance });
  const prefixOf = (id: Int32Array) => id.subarray(0, levels - 1).join();
  const used = new Map<string, Set<number>>();
  const use = (id: Int32Array) => {
    const prefix = prefixOf(id);
    used.set(prefix, (used.get(prefix) ?? new Set()).add(id[levels - 1]));
  };
  for (let at = 0; at < taken.length; at += levels + 1) use(taken.subarray(at, at + levels));
  for (let item = 0; item < codes.length / levels; item++) {
    const id = chosen.subarray(item * levels, (item + 1) * levels);
    const inUse = used.get(prefixOf(id));
    const free = Array.from({ length: numCodes }, (_, code) => code).filter((code) => !inUse?.has(code));
    const distances = free.map((code) => distanceTo(item, code));
    if (free.length > 0) id[levels - 1] = free[distances.indexOf(Math.min(...distances))];
    use(id);
  }
  return chosen;
}

/** The distance, squared or 1 - cosine, from a point (by its row) to a code vector. */
function distancesToCodes(
  residuals: Float32Array,
  codebook: Float32Array,
  { dim, distance }: { dim: number; distance: Distance },
): (item: number, code: number) => number {
  const [points, vectors] =
    distance === 'cosine' ? [unitLength(residuals, dim), unitLength(codebook, dim)] : [residuals, codebook];
  return (item, code) => {
    let sum = 0;
    for (let i = 0; i < dim; i++) sum += (points[item * dim + i] - vectors[code * dim + i]) ** 2;
    return distance === 'cosine' ? sum / 2 : sum;
  };
}

/** Item ids, ascending, of each group that shares the first L-1 codes. */
function itemsByPrefix(codes: Int32Array, levels: number): number[][] {
  const { groups, numGroups } = groupByPrefix(codes, levels, levels - 1);
  const items = Array.from({ length: numGroups }, (): number[] => []);
  groups.forEach((group, item) => {
    items[group].push(item);
  });
  return items;
}

/** Each of n items once, each of K codes n / K times; epsilon a twentieth of the mean cost. */
function uniformPlan(costs: Float64Array, n: number, numCodes: number): Float64Array {
  const meanCost = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
  const rows = new Float64Array(n).fill(1);
  const columns = new Float64Array(numCodes).fill(n / numCodes);
  return sinkhornPlan(costs, rows, columns, { epsilon: meanCost / 20 || 1, iterations: 200, tolerance: 1e-3 });
}

/** One column for each row, the largest entries of the plan first, no column above its share rounded up. */
function roundPlan(plan: Float64Array, n: number, numCodes: number): Int32Array {
  const capacity = new Int32Array(numCodes).fill(Math.ceil(n / numCodes));
  const columns = new Int32Array(n).fill(-1);
  const order = Int32Array.from(plan.keys()).sort((a, b) => plan[b] - plan[a] || a - b);
  for (const at of order) {
    const [row, column] = [Math.floor(at / numCodes), at % numCodes];
    if (columns[row] !== -1 || capacity[column] === 0) continue;
    columns[row] = column;
    capacity[column]--;
  }
  return columns;
}
