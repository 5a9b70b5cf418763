import type { Item } from './items.js';
import { readParquet, writeParquet } from './tables.js';

/** Names of the category path's levels stand in one text, as in `Hair Care > Styling`; a `>` in a name is written `\\>`. */
const pathSeparator = ' > ';
const escaped = (name: string) => name.replaceAll(/[\\>]/g, '\\$&');
const unescaped = (name: string) => name.replaceAll(/\\([\\>])/g, '$1');

/** Writes items as a Parquet table, by dense id. */
export async function writeItems(path: string, items: readonly Item[]): Promise<void> {
  await writeParquet(path, {
    item: { type: 'int32', values: Int32Array.from(items.keys()) },
    id: { type: 'string', values: items.map(({ id }) => id) },
    title: { type: 'string', values: items.map(({ title }) => title ?? null) },
    brand: { type: 'string', values: items.map(({ brand }) => brand ?? null) },
    categories: {
      type: 'list<string>',
      values: items.map(({ categories = [] }) => categories.map((names) => names.map(escaped).join(pathSeparator))),
    },
    price: { type: 'double', values: items.map(({ price }) => price ?? null) },
    description: { type: 'string', values: items.map(({ description }) => description ?? null) },
  });
}

/** Reads what {@link writeItems} wrote. */
export async function readItems(path: string): Promise<Item[]> {
  const table = await readParquet(path, {
    id: 'string',
    title: 'string',
    brand: 'string',
    categories: 'list<string>',
    price: 'double',
    description: 'string',
  });
  return table.id.map((id, item) => {
    const [title, brand, description] = [table.title[item], table.brand[item], table.description[item]];
    const categories = table.categories[item].map((names) => names.split(pathSeparator).map(unescaped));
    const price = table.price[item];
    return {
      id: id!,
      ...(title !== null && { title }),
      ...(brand !== null && { brand }),
      ...(categories.length > 0 && { categories }),
      ...(!Number.isNaN(price) && { price }),
      ...(description !== null && { description }),
    };
  });
}
