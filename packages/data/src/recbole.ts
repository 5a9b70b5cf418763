import { type ItemMap, readMappedInteractions, readMappedItems } from './column-map.js';
import type { RawInteraction } from './interactions.js';
import type { Item } from './items.js';
import { readLines, type ToleranceOptions } from './read-lines.js';

/**
 * Reads a RecBole atomic file of interactions (`.inter`), plain or gzip: tab separated, with a header row of
 * `name:type`. Takes user_id, item_id, timestamp and, where there is one, rating. Zhao et al. 2021 (RecBole).
 *
 * @throws Error naming file, line and reason: see `readMappedInteractions`
 */
export async function* readRecboleInteractions(
  path: string,
  options: ToleranceOptions = {},
): AsyncGenerator<RawInteraction> {
  const hasRating = (await columnsOf(path)).includes('rating');
  const columns = {
    user: 'user_id',
    item: 'item_id',
    timestamp: 'timestamp',
    ...(hasRating && { rating: 'rating' }),
  };
  yield* readMappedInteractions(path, { columns, format: 'recbole' }, options);
}

/** The names that RecBole's data sets use for the fields of an item. */
const knownNames = {
  title: ['title', 'movie_title', 'item_name', 'name'],
  brand: ['brand', 'store'],
  categories: ['categories', 'category', 'class', 'genres', 'genre'],
  price: ['price'],
  description: ['description'],
};

/**
 * Reads a RecBole atomic file of items (`.item`), plain or gzip. Columns are found by the names that RecBole's own data
 * sets use; categories are split at spaces, as a `token_seq` is.
 *
 * @throws Error naming file, line and reason: see `readMappedItems`
 */
export async function* readRecboleItems(path: string, options: ToleranceOptions = {}): AsyncGenerator<Item> {
  const has = await columnsOf(path);
  const columns: ItemMap['columns'] = { id: 'item_id' };
  for (const [field, names] of Object.entries(knownNames)) {
    columns[field as keyof typeof knownNames] = names.find((name) => has.includes(name));
  }
  yield* readMappedItems(path, { columns, format: 'recbole', categorySeparator: ' ' }, options);
}

async function columnsOf(path: string): Promise<string[]> {
  for await (const { text } of readLines(path)) return text.split('\t').map((header) => header.split(':')[0]);
  return [];
}
