/** One catalogue entry. Only `id` is certain: public catalogues lack any of the others for some items. */
export interface Item {
  /** Id in the source, e.g. an ASIN. */
  id: string;
  title?: string;
  brand?: string;
  /** Paths through a category tree, root first. A flat tag is a path of one. */
  categories?: string[][];
  /** In the source's currency. */
  price?: number;
  description?: string;
}

/**
 * Puts catalogue entries into the order of the dense item ids. An item without an entry gets one that holds its id
 * alone; of several entries for one id the first counts; entries of other items are dropped as they stream by.
 *
 * @param entries  a catalogue in any order, e.g. from `readAmazonItems`
 * @param itemIds  source ids by dense id, e.g. `interactions.itemIds`
 */
export async function alignItems(
  entries: AsyncIterable<Item> | Iterable<Item>,
  itemIds: readonly string[],
): Promise<Item[]> {
  const dense = new Map(itemIds.map((id, item) => [id, item]));
  const aligned: (Item | undefined)[] = new Array(itemIds.length).fill(undefined);
  for await (const entry of entries) {
    const item = dense.get(entry.id);
    if (item !== undefined) aligned[item] ??= entry;
  }
  return aligned.map((entry, item) => entry ?? { id: itemIds[item] });
}
