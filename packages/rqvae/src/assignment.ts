/**
 * A column of its own for each row, at the least total cost: shortest augmenting paths (Jonker & Volgenant 1987),
 * O(n^2 m). Of equally cheap paths the one to the smaller column is taken.
 *
 * @param costs  [n*m] row major
 * @param n      at most m
 * @returns [n] columns, distinct
 * @throws RangeError when there are more rows than columns
 */
export function assignColumns(costs: Float64Array, n: number, m: number): Int32Array {
  if (n > m) throw new RangeError(`rqvae: rows to assign must be at most the ${m} columns, got ${n}`);
  const rowPrices = new Float64Array(n);
  const columnPrices = new Float64Array(m);
  const rowOf = new Int32Array(m).fill(-1);
  for (let start = 0; start < n; start++) {
    // Dijkstra over columns from the new row; previous[j] is the column before j on the way, -1 for the new row.
    const lengths = new Float64Array(m).fill(Number.POSITIVE_INFINITY);
    const previous = new Int32Array(m).fill(-1);
    const reached = new Uint8Array(m);
    const path: number[] = [];
    let column = -1;
    let row = start;
    let length = 0;
    do {
      let next = -1;
      for (let j = 0; j < m; j++) {
        if (reached[j]) continue;
        const way = length + costs[row * m + j] - rowPrices[row] - columnPrices[j];
        if (way < lengths[j]) {
          lengths[j] = way;
          previous[j] = column;
        }
        if (next === -1 || lengths[j] < lengths[next]) next = j;
      }
      column = next;
      reached[column] = 1;
      path.push(column);
      length = lengths[column];
      row = rowOf[column];
    } while (row !== -1);
    // Prices keep every reduced cost at least 0, and at 0 along the assignment.
    rowPrices[start] += length;
    for (const j of path) {
      if (j === column) continue;
      rowPrices[rowOf[j]] += length - lengths[j];
      columnPrices[j] -= length - lengths[j];
    }
    for (let j = column; j !== -1; j = previous[j]) rowOf[j] = previous[j] === -1 ? start : rowOf[previous[j]];
  }
  const columns = new Int32Array(n);
  rowOf.forEach((row, j) => {
    if (row !== -1) columns[row] = j;
  });
  return columns;
}
