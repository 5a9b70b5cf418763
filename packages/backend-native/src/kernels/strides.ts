/** What the walk over memory in native/strided.h serves. */
export const maxRank = 8;

/** Distances between neighbours along each dimension, row major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

/** Strides of a tensor read as if it had the shape `out`, to which it broadcasts: 0 along dimensions where it is repeated. */
export function broadcastStrides(shape: readonly number[], out: readonly number[]): number[] {
  const missing = out.length - shape.length;
  const strides = stridesOf(shape);
  return out.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : strides[d - missing]));
}

/**
 * The list that native/strided.h reads: rank, dimensions, then the strides of each operand. Dimensions of 1 are left out and
 * neighbours along which every operand runs on evenly become one, so that the innermost loop is as long as it can be.
 */
export function stridedList(dims: readonly number[], ...operands: readonly (readonly number[])[]): number[] {
  const kept: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let d = 0; d < dims.length; d++) {
    if (dims[d] === 1) continue;
    const last = kept.length - 1;
    if (last >= 0 && operands.every((operand, k) => strides[k][last] === operand[d] * dims[d])) {
      kept[last] *= dims[d];
      for (const [k, operand] of operands.entries()) strides[k][last] = operand[d];
    } else {
      kept.push(dims[d]);
      for (const [k, operand] of operands.entries()) strides[k].push(operand[d]);
    }
  }
  if (kept.length === 0) return [1, 1, ...operands.map(() => 1)];
  return [kept.length, ...kept, ...strides.flat()];
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}
