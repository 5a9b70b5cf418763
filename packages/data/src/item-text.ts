import { decodeHTML } from 'entities';
import { z } from 'zod';
import type { Item } from './items.js';

/** Which fields make up an item's text, in this order. */
export const itemTextSchema = z.strictObject({
  fields: z
    .array(z.enum(['title', 'brand', 'categories', 'price', 'description']))
    .min(1)
    .default(['title', 'brand', 'categories', 'price'])
    .describe('item fields in the text, in this order; TIGER uses title, price, brand and category'),
});
export type ItemTextConfig = z.infer<typeof itemTextSchema>;

/**
 * The text that an encoder reads for an item: its fields, joined by `. `, as in
 * `OPI Nail Lacquer, Simmer. OPI. Makeup, Nails, Nail Polish. price 8.5`. Rajput et al. 2023 (TIGER), sec. 4.1.
 *
 * - HTML entities are unescaped and runs of white space become one space.
 * - Category paths lose their root, which a catalogue's items share (a path of one is a tag and stays); a name that
 *   several paths hold counts once.
 * - What an item lacks is left out, so its text may be empty.
 *
 * @param fields  see {@link itemTextSchema}
 */
export function itemText(item: Item, { fields }: ItemTextConfig = itemTextSchema.parse({})): string {
  const parts = fields.map((field) => {
    if (field === 'categories') return categoryNames(item.categories ?? []).join(', ');
    if (field === 'price') return item.price === undefined ? '' : `price ${item.price}`;
    return plainText(item[field] ?? '');
  });
  return parts.filter((part) => part !== '').join('. ');
}

function categoryNames(paths: readonly (readonly string[])[]): string[] {
  const names = paths.flatMap((path) => (path.length > 1 ? path.slice(1) : path)).map(plainText);
  return [...new Set(names)].filter((name) => name !== '');
}

function plainText(text: string): string {
  return decodeHTML(text).replace(/\s+/gu, ' ').trim();
}
