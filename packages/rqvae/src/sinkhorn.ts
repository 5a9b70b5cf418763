/**
 * The entropy-regularised transport plan between rows and columns of given masses. Cuturi 2013; iterated on the
 * logarithms (Peyré & Cuturi 2019, sec. 4.4), so that a small epsilon does not underflow.
 *
 * @param costs    [n*m] row major
 * @param rows     [n] masses > 0
 * @param columns  [m] masses > 0, with the same sum
 * @param epsilon  regularisation > 0, in the units of the costs: the smaller, the nearer to the cheapest plan
 * @returns [n*m] the plan; its column sums are exact to rounding, its row sums within `tolerance` of their masses
 *          (relative) unless `iterations` ran out
 * @throws RangeError when the sums of the masses differ, or the sizes do not match
 */
export function sinkhornPlan(
  costs: Float64Array,
  rows: Float64Array,
  columns: Float64Array,
  { epsilon, iterations, tolerance = 1e-6 }: { epsilon: number; iterations: number; tolerance?: number },
): Float64Array {
  const [n, m] = [rows.length, columns.length];
  if (costs.length !== n * m) {
    throw new RangeError(`rqvae: Sinkhorn costs must be ${n} x ${m}, got ${costs.length} numbers`);
  }
  if (!(epsilon > 0)) throw new RangeError(`rqvae: Sinkhorn epsilon must be above 0, got ${epsilon}`);
  const [rowTotal, columnTotal] = [sum(rows), sum(columns)];
  if (!(Math.abs(rowTotal - columnTotal) <= 1e-9 * rowTotal)) {
    throw new RangeError(
      `rqvae: Sinkhorn row and column masses must have equal sums, got ${rowTotal} and ${columnTotal}`,
    );
  }
  // The plan is exp(rowPotential_i + columnPotential_j - cost_ij / epsilon).
  const rowPotentials = new Float64Array(n);
  const columnPotentials = new Float64Array(m);
  const terms = new Float64Array(Math.max(n, m));
  const rowLogSum = (i: number) => {
    for (let j = 0; j < m; j++) terms[j] = columnPotentials[j] - costs[i * m + j] / epsilon;
    return logSumExp(terms, m);
  };
  const columnLogSum = (j: number) => {
    for (let i = 0; i < n; i++) terms[i] = rowPotentials[i] - costs[i * m + j] / epsilon;
    return logSumExp(terms, n);
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    let error = 0;
    for (let i = 0; i < n; i++) {
      const potential = Math.log(rows[i]) - rowLogSum(i);
      error = Math.max(error, Math.abs(Math.expm1(rowPotentials[i] - potential)));
      rowPotentials[i] = potential;
    }
    for (let j = 0; j < m; j++) columnPotentials[j] = Math.log(columns[j]) - columnLogSum(j);
    if (iteration > 0 && error <= tolerance) break;
  }
  return costs.map((cost, at) =>
    Math.exp(rowPotentials[Math.floor(at / m)] + columnPotentials[at % m] - cost / epsilon),
  );
}

function logSumExp(terms: Float64Array, length: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) largest = Math.max(largest, terms[i]);
  let total = 0;
  for (let i = 0; i < length; i++) total += Math.exp(terms[i] - largest);
  return largest + Math.log(total);
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
