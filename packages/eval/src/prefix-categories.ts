/** The items whose codes begin alike, by category. */
export interface PrefixGroup {
  prefix: number[];
  items: number;
  /** Items by category, most frequent first (ties: by name); items without a category are left out. */
  categories: { name: string; items: number }[];
  /** Share of the largest category among the items that have one: 1 when all agree, 0 when none has one. */
  purity: number;
}

/**
 * Groups the items by the first `length` codes.
 *
 * @param codes       [N*width] the items' codes, row major
 * @param categories  [N] each item's category
 * @returns groups with most items first (ties: smaller prefix)
 */
export function groupByPrefix(
  codes: Int32Array,
  width: number,
  length: number,
  categories: readonly (string | undefined)[],
): PrefixGroup[] {
  const groups = new Map<string, { prefix: number[]; items: number; counts: Map<string, number> }>();
  for (const [item, category] of categories.entries()) {
    const prefix = Array.from(codes.subarray(item * width, item * width + length));
    const key = prefix.join(' ');
    const group = groups.get(key) ?? { prefix, items: 0, counts: new Map() };
    groups.set(key, group);
    group.items++;
    if (category !== undefined) group.counts.set(category, (group.counts.get(category) ?? 0) + 1);
  }
  return [...groups.values()]
    .sort((a, b) => b.items - a.items || comparePrefixes(a.prefix, b.prefix))
    .map(describeGroup);
}

/**
 * Mean purity over the items of groups with at least `minItems` items (smaller groups are pure by being small).
 *
 * @returns NaN when no group is large enough
 */
export function meanPurity(groups: readonly PrefixGroup[], minItems: number): number {
  let items = 0;
  let agreeing = 0;
  for (const group of groups) {
    if (group.items < minItems) continue;
    items += group.items;
    agreeing += group.items * group.purity;
  }
  return agreeing / items;
}

function describeGroup({ prefix, items, counts }: { prefix: number[]; items: number; counts: Map<string, number> }) {
  const categories = [...counts]
    .map(([name, count]) => ({ name, items: count }))
    .sort((a, b) => b.items - a.items || (a.name < b.name ? -1 : 1));
  const known = categories.reduce((sum, category) => sum + category.items, 0);
  return { prefix, items, categories, purity: known === 0 ? 0 : categories[0].items / known };
}

function comparePrefixes(a: readonly number[], b: readonly number[]): number {
  const level = a.findIndex((code, at) => code !== b[at]);
  return level < 0 ? 0 : a[level] - b[level];
}
