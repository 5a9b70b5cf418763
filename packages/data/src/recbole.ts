import { type ItemMap, readMappedInteractions, readMappedItems } from './column-map.js';
import { atomicFile, parseDelimited } from './delimited.js';
import type { Feature, FeatureTable } from './features.js';
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
  const hasRating = (await headerOf(path)).some(({ name }) => name === 'rating');
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
  const has = (await headerOf(path)).map(({ name }) => name);
  const columns: ItemMap['columns'] = { id: 'item_id' };
  for (const [field, names] of Object.entries(knownNames)) {
    columns[field as keyof typeof knownNames] = names.find((name) => has.includes(name));
  }
  yield* readMappedItems(path, { columns, format: 'recbole', categorySeparator: ' ' }, options);
}

/**
 * Reads all columns of a RecBole atomic file of items or users (`.item`, `.user`), plain or gzip, as features. Sequences
 * are separated by blanks.
 *
 * @param idColumn  by default the first column
 * @throws Error naming the file and the column whose type is not token, token_seq, float or float_seq
 * @throws Error naming file, line and reason when too many lines are bad
 */
export async function readRecboleFeatures(
  path: string,
  options: ToleranceOptions & { idColumn?: string } = {},
): Promise<FeatureTable> {
  const header = await headerOf(path);
  const { idColumn = header[0]?.name ?? 'item_id' } = options;
  const columns = header.filter(({ name }) => name !== idColumn);
  const parsers = new Map(columns.map(({ name, type }) => [name, parserOf(path, name, type)]));
  const ids: string[] = [];
  const values = new Map(columns.map(({ name }): [string, Feature[]] => [name, []]));
  const parseRow = (row: Record<string, string>) => ({
    id: row[idColumn],
    features: columns.map(({ name }) => parsers.get(name)!(row[name])),
  });
  for await (const { id, features } of parseDelimited(path, [idColumn], parseRow, { ...options, ...atomicFile })) {
    ids.push(id);
    for (const [i, { name }] of columns.entries()) values.get(name)!.push(features[i]);
  }
  return { ids, columns: Object.fromEntries(values) };
}

function parserOf(path: string, name: string, type: string | undefined): (text: string) => Feature {
  const split = (text: string) => text.split(' ').filter((part) => part !== '');
  switch (type) {
    case 'token':
      return (text) => (text === '' ? [] : [text]);
    case 'token_seq':
      return split;
    case 'float':
      return (text) => (text === '' ? undefined : requireNumber(name, text));
    case 'float_seq':
      return (text) => Float64Array.from(split(text), (part) => requireNumber(name, part));
    default:
      throw new Error(
        `data: column ${name} of ${path} must have a type token, token_seq, float or float_seq, got ${type ?? 'none'}; write it as ${name}:token`,
      );
  }
}

function requireNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new SyntaxError(`"${name}" must be a number, got ${JSON.stringify(text)}`);
}

async function headerOf(path: string): Promise<{ name: string; type?: string }[]> {
  for await (const { text } of readLines(path)) {
    return text.split('\t').map((header) => {
      const [name, type] = header.split(':');
      return { name, type };
    });
  }
  return [];
}
