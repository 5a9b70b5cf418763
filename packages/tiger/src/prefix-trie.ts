import type { SemanticIds } from '@codebeam/rqvae';

/**
 * All semantic IDs as a tree in flat arrays. Nodes are numbered level by level from the root (0), so the children of a
 * node stand in a row: they are the nodes firstChild[node] .. firstChild[node + 1] - 1, in rising order of their codes.
 */
export interface PrefixTrie {
  /** L+1, the depth of the leaves. */
  depth: number;
  /** [nodes + 1] */
  firstChild: Int32Array;
  /** [nodes] the code that leads to the node; -1 at the root. */
  code: Int32Array;
  /** [nodes] -1 at the root. */
  parent: Int32Array;
  /** [nodes] how many items lie below. */
  items: Int32Array;
  /** The leaves are the last nodes: leaf firstLeaf + i holds item itemOfLeaf[i]. */
  firstLeaf: number;
  itemOfLeaf: Int32Array;
  /** [N] the leaf of each item. */
  leafOfItem: Int32Array;
}

/** @throws RangeError when there are no items, or two items share an ID */
export function createPrefixTrie({ codes, sizes, numItems }: SemanticIds): PrefixTrie {
  if (numItems === 0) throw new RangeError('tiger: semantic IDs must cover at least one item, got none');
  const depth = sizes.length;
  const order = Int32Array.from({ length: numItems }, (_, item) => item);
  order.sort((a, b) => {
    for (let p = 0; p < depth; p++) {
      const difference = codes[a * depth + p] - codes[b * depth + p];
      if (difference !== 0) return difference;
    }
    return a - b;
  });

  const firstChild: number[] = [];
  const code = [-1];
  const parent = [-1];
  // nodeOf[i]: the node of the i-th item in sorted order at the level reached so far.
  const nodeOf = new Int32Array(numItems);
  let levelStart = 0;
  for (let p = 0; p < depth; p++) {
    const nextLevel = code.length;
    let previous = -1;
    for (let i = 0; i < numItems; i++) {
      const node = nodeOf[i];
      const next = codes[order[i] * depth + p];
      if (node !== previous || code[code.length - 1] !== next) {
        // The first item below a node opens the list of its children.
        if (node !== previous) firstChild[node] = code.length;
        code.push(next);
        parent.push(node);
        previous = node;
      }
      nodeOf[i] = code.length - 1;
    }
    levelStart = nextLevel;
  }
  for (let node = levelStart; node <= code.length; node++) firstChild[node] = code.length;
  if (code.length - levelStart !== numItems) {
    throw new RangeError(
      `tiger: semantic IDs must be unique, got ${numItems} items with ${code.length - levelStart} IDs; add the collision code`,
    );
  }

  const items = new Int32Array(code.length).fill(1, levelStart);
  for (let node = code.length - 1; node > 0; node--) items[parent[node]] += items[node];
  const leafOfItem = new Int32Array(numItems);
  for (let i = 0; i < numItems; i++) leafOfItem[order[i]] = nodeOf[i];
  return {
    depth,
    firstChild: Int32Array.from(firstChild),
    code: Int32Array.from(code),
    parent: Int32Array.from(parent),
    items,
    firstLeaf: levelStart,
    itemOfLeaf: order,
    leafOfItem,
  };
}

/**
 * The nodes that lead to nothing but excluded items. A node is blocked as soon as its last item is excluded, so no beam is
 * spent on a subtree that cannot give an item.
 *
 * @returns their numbers, rising
 */
export function blockItems({ parent, items, leafOfItem }: PrefixTrie, excluded: Iterable<number>): Int32Array {
  const blockedBelow = new Map<number, number>();
  for (const item of new Set(excluded)) {
    for (let node = leafOfItem[item]; node >= 0; node = parent[node]) {
      blockedBelow.set(node, (blockedBelow.get(node) ?? 0) + 1);
    }
  }
  const nodes = [...blockedBelow].flatMap(([node, below]) => (below === items[node] ? [node] : []));
  return Int32Array.from(nodes).sort();
}
