/**
 * Non-negative least squares from normal equations: the x >= 0 that minimises x'Gx / 2 - b'x, which for G = M'M and b = M'y minimises
 * |Mx - y|. Lawson & Hanson 1974, "Solving Least Squares Problems", ch. 23, on products as Bro & de Jong 1997, "A fast
 * non-negativity-constrained least squares algorithm", have it: problems that share M share G.
 *
 * @param gram   [n*n] G, symmetric, row major
 * @param b      [n]
 * @param start  unknowns to begin with as positive, such as those of a similar problem
 * @returns [n] where G is singular, one of the solutions
 */
export function solveNonnegative(gram: Float64Array, b: Float64Array, start: Iterable<number> = []): Float64Array {
  const n = b.length;
  const x = new Float64Array(n);
  const solver = createPassiveSet(gram, b);
  for (const unknown of start) solver.add(unknown);
  if (solver.unknowns.length > 0) settle(solver, x);
  const tolerance = toleranceOf(b);
  const slopes = new Float64Array(n);
  const refused = new Uint8Array(n); // depends on those that are positive already, up to rounding
  for (let round = 0; round < 30 * n + 30; round++) {
    // The unknown whose growth lowers the error fastest.
    slopes.set(b);
    for (const j of solver.unknowns) {
      const value = x[j];
      for (let i = 0, at = j * n; i < n; i++, at++) slopes[i] -= gram[at] * value;
    }
    let best = -1;
    let steepest = tolerance;
    for (let i = 0; i < n; i++) {
      if (slopes[i] > steepest && !solver.has(i) && !refused[i]) {
        steepest = slopes[i];
        best = i;
      }
    }
    if (best < 0) break;
    if (!solver.add(best)) {
      refused[best] = 1;
      continue;
    }
    settle(solver, x);
    // Rounding can push what came in straight out again; without this it would come in for ever.
    if (solver.has(best)) refused.fill(0);
    else refused[best] = 1;
  }
  return x;
}

function toleranceOf(b: Float64Array): number {
  let largest = 0;
  for (const value of b) largest = Math.max(largest, Math.abs(value));
  return 1e-11 * largest;
}

/** Moves x to the solution on the passive set, and takes out of the set what would fall below 0 on the way. */
function settle(solver: PassiveSet, x: Float64Array): void {
  for (;;) {
    const { unknowns } = solver;
    const solution = solver.solve();
    let share = 1;
    let limiting = -1; // the first to reach 0
    for (let at = 0; at < unknowns.length; at++) {
      if (solution[at] > 0) continue;
      const now = x[unknowns[at]];
      const reach = now > 0 ? now / (now - solution[at]) : 0;
      if (limiting < 0 || reach < share) [share, limiting] = [reach, unknowns[at]];
    }
    if (limiting < 0) {
      for (let at = 0; at < unknowns.length; at++) x[unknowns[at]] = solution[at];
      return;
    }
    for (let at = 0; at < unknowns.length; at++) x[unknowns[at]] += share * (solution[at] - x[unknowns[at]]);
    x[limiting] = 0;
    const out = unknowns.filter((unknown, at) => solution[at] <= 0 && x[unknown] <= 0);
    for (const unknown of out) x[unknown] = 0;
    solver.remove(out);
    if (unknowns.length === 0) return;
  }
}

interface PassiveSet {
  /** Those that may be positive, in order of their coming in. */
  readonly unknowns: number[];
  has(unknown: number): boolean;
  /** False when it depends linearly on those that are in. */
  add(unknown: number): boolean;
  remove(unknowns: readonly number[]): void;
  /** The minimum over the set, of any sign, in the set's order. */
  solve(): Float64Array;
}

/** Keeps Cholesky's factor of G on the set: one more unknown is one more row of it. */
function createPassiveSet(gram: Float64Array, b: Float64Array): PassiveSet {
  const n = b.length;
  const unknowns: number[] = [];
  const isIn = new Uint8Array(n);
  const rows: Float64Array[] = []; // of the factor: row r has r + 1 numbers

  function add(unknown: number): boolean {
    const size = unknowns.length;
    const row = new Float64Array(size + 1);
    let rest = gram[unknown * n + unknown];
    for (let r = 0; r < size; r++) {
      let sum = gram[unknown * n + unknowns[r]];
      const other = rows[r];
      for (let k = 0; k < r; k++) sum -= row[k] * other[k];
      row[r] = sum / other[r];
      rest -= row[r] * row[r];
    }
    if (!(rest > 1e-12 * gram[unknown * n + unknown])) return false;
    row[size] = Math.sqrt(rest);
    rows.push(row);
    unknowns.push(unknown);
    isIn[unknown] = 1;
    return true;
  }

  return {
    unknowns,
    has: (unknown) => isIn[unknown] === 1,
    add,
    remove(out) {
      const first = Math.min(...out.map((unknown) => unknowns.indexOf(unknown)));
      const after = unknowns.slice(first).filter((unknown) => !out.includes(unknown));
      for (const unknown of unknowns.slice(first)) isIn[unknown] = 0;
      unknowns.length = first;
      rows.length = first;
      for (const unknown of after) add(unknown);
    },
    solve() {
      const size = unknowns.length;
      const solution = Float64Array.from(unknowns, (unknown) => b[unknown]);
      for (let r = 0; r < size; r++) {
        const row = rows[r];
        let sum = solution[r];
        for (let k = 0; k < r; k++) sum -= row[k] * solution[k];
        solution[r] = sum / row[r];
      }
      for (let r = size - 1; r >= 0; r--) {
        const value = solution[r] / rows[r][r];
        solution[r] = value;
        for (let k = 0; k < r; k++) solution[k] -= rows[r][k] * value;
      }
      return solution;
    },
  };
}
