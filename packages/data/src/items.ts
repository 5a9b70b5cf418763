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

/** The fields of an item as a source has them: any of them may be missing, empty or of another type. */
export interface ItemFields {
  title?: unknown;
  brand?: unknown;
  /** Paths, a list of flat tags, or one tag. */
  categories?: unknown;
  /** A number, or a text like `$1,234.50`, `12,50 €` or `1.234,50`; three digits after a comma are thousands. Ranges are left out. */
  price?: unknown;
  /** A text or a list of them. */
  description?: unknown;
}

/** An item of what a source's fields hold, without those that hold nothing. */
export function itemOf(id: string, fields: ItemFields): Item {
  const title = textOf(fields.title);
  const brand = textOf(fields.brand);
  const categories = listOf(fields.categories)
    .map((path) => listOf(path).flatMap((name) => textOf(name) ?? []))
    .filter((path) => path.length > 0);
  const price = priceOf(fields.price);
  const description = textOf(fields.description);
  return {
    id,
    ...(title !== undefined && { title }),
    ...(brand !== undefined && { brand }),
    ...(categories.length > 0 && { categories }),
    ...(price !== undefined && { price }),
    ...(description !== undefined && { description }),
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function textOf(value: unknown): string | undefined {
  const texts = listOf(value).filter((part) => ['string', 'number', 'bigint'].includes(typeof part));
  return texts.join(' ').trim() || undefined;
}

function priceOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Number.isFinite(Number(value)) ? Number(value) : undefined;
  const digits = typeof value === 'string' ? /^\s*\p{Sc}?\s*(\d[\d.,]*)\s*\p{Sc}?\s*$/u.exec(value)?.[1] : undefined;
  if (digits === undefined) return undefined;
  if (/^(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/.test(digits)) return Number(digits.replaceAll(',', ''));
  const hasDecimalComma = /^(\d{1,3}(\.\d{3})+|\d+),\d{1,2}$/.test(digits);
  return hasDecimalComma ? Number(digits.replaceAll('.', '').replace(',', '.')) : undefined;
}
