/**
 * Every item's semantic ID: its L codes, then a collision code that tells apart the items with equal codes.
 * Rajput et al. 2023 (TIGER), sec. 3.1, "Handling Collisions".
 */
export interface SemanticIds {
  /** L, the quantizer's levels; an ID is one code longer. */
  levels: number;
  /** [L+1] how many codes each position has; the last counts the collision codes and is at least 1. */
  sizes: number[];
  /** [N*(L+1)] row major. */
  codes: Int32Array;
  numItems: number;
}

/**
 * Completes the quantizer's codes to IDs that are unique: of the items with equal codes, the one with the smallest
 * item id gets the collision code 0, the next 1, and so on.
 *
 * @param codes         [N*L] int32 in [0, K), row major, item 0 first
 * @param codebookSize  K
 * @throws RangeError when the length is no multiple of L, or a code is outside [0, K)
 */
export function assignSemanticIds(codes: Int32Array, levels: number, codebookSize: number): SemanticIds {
  const empty = { levels, sizes: [...Array<number>(levels).fill(codebookSize), 1], codes: new Int32Array(0) };
  return appendSemanticIds({ ...empty, numItems: 0 }, codes);
}

/**
 * The IDs of the old items, unchanged, followed by those of new items. Appending in parts gives what assigning
 * at once gives, so an ID handed out stays valid while the catalogue grows.
 *
 * @param codes  [M*L] int32, the new items' codes under the same codebooks; they become items N .. N+M-1
 */
export function appendSemanticIds(ids: SemanticIds, codes: Int32Array): SemanticIds {
  const { levels, sizes } = ids;
  const width = levels + 1;
  const added = codes.length / levels;
  if (!Number.isInteger(levels) || levels < 1 || !Number.isInteger(added)) {
    throw new RangeError(
      `rqvae: codes must hold ${levels} codes an item, got ${codes.length} codes; pass them as one row per item`,
    );
  }
  const numItems = ids.numItems + added;
  const all = new Int32Array(numItems * width); // [N+M, L+1]
  all.set(ids.codes);
  for (let i = 0; i < added; i++) {
    for (let level = 0; level < levels; level++) {
      const code = codes[i * levels + level];
      if (code < 0 || code >= sizes[level]) {
        throw new RangeError(
          `rqvae: code of item ${ids.numItems + i} at level ${level} must be in [0, ${sizes[level]}), got ${code}; quantize with the codebooks of these IDs`,
        );
      }
      all[(ids.numItems + i) * width + level] = code;
    }
  }
  const { groups, numGroups } = groupByPrefix(all, width, levels);
  const seen = new Int32Array(numGroups);
  let collisionCodes = sizes[levels];
  for (let item = 0; item < numItems; item++) {
    const collision = seen[groups[item]]++;
    all[item * width + levels] = collision;
    collisionCodes = Math.max(collisionCodes, collision + 1);
  }
  return { levels, sizes: [...sizes.slice(0, levels), collisionCodes], codes: all, numItems };
}

/** [L+1] the item's codes and collision code, a view. */
export function semanticIdOf(ids: SemanticIds, item: number): Int32Array {
  const width = ids.levels + 1;
  if (!Number.isInteger(item) || item < 0 || item >= ids.numItems) {
    throw new RangeError(`rqvae: item must be in [0, ${ids.numItems}), got ${item}`);
  }
  return ids.codes.subarray(item * width, (item + 1) * width);
}

/** `<12,34,5,0>` */
export function formatSemanticId(id: ArrayLike<number>): string {
  return `<${Array.from(id).join(',')}>`;
}

/** The codes in `<12,34,5,0>`. */
export function parseSemanticId(text: string): Int32Array {
  if (!/^<\d+(,\d+)*>$/.test(text)) {
    throw new RangeError(`rqvae: semantic ID must look like <12,34,5,0>, got ${text}`);
  }
  return Int32Array.from(text.slice(1, -1).split(','), Number);
}

/** A function from a complete ID to its item, or -1 where no item has that ID. Built in one pass over the catalogue. */
export function createItemLookup(ids: SemanticIds): (id: ArrayLike<number>) => number {
  const { sizes, codes, numItems } = ids;
  const width = sizes.length;
  // One map per level from (node, code) to the node below; under the last level the node is the item.
  const children = sizes.map(() => new Map<number, number>());
  for (let item = 0; item < numItems; item++) {
    let node = 0;
    for (let level = 0; level < width; level++) {
      const key = node * sizes[level] + codes[item * width + level];
      const next = children[level].get(key) ?? (level === width - 1 ? item : children[level].size);
      children[level].set(key, next);
      node = next;
    }
  }
  return (id) => {
    if (id.length !== width) return -1;
    let node = 0;
    for (let level = 0; level < width; level++) {
      if (!(id[level] >= 0 && id[level] < sizes[level])) return -1;
      const next = children[level].get(node * sizes[level] + id[level]);
      if (next === undefined) return -1;
      node = next;
    }
    return node;
  };
}

/**
 * Numbers the groups of rows whose first `length` codes are equal, in the order in which they first occur.
 *
 * @param codes  [N*width]
 * @returns groups [N] in [0, numGroups)
 */
export function groupByPrefix(
  codes: Int32Array,
  width: number,
  length: number,
): { groups: Int32Array; numGroups: number } {
  const numRows = codes.length / width;
  const groups = new Int32Array(numRows);
  let numGroups = Math.min(1, numRows);
  const size = codes.reduce((largest, code) => Math.max(largest, code), 0) + 1;
  for (let level = 0; level < length; level++) {
    const numbers = new Map<number, number>();
    for (let row = 0; row < numRows; row++) {
      const key = groups[row] * size + codes[row * width + level];
      let number = numbers.get(key);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(key, number);
      }
      groups[row] = number;
    }
    numGroups = numbers.size;
  }
  return { groups, numGroups };
}
