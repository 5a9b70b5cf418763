import type { Item } from './items.js';
import { type SparseMatrix, sparseMatrix } from './sparse-matrix.js';

/** What is known of one item or user in one column: tokens, numbers, one number, or nothing. */
export type Feature = readonly string[] | Float64Array | number | undefined;

/** Side information of items or users, in any order. */
export interface FeatureTable {
  ids: string[];
  /** By name, one value for each id. */
  columns: Record<string, readonly Feature[]>;
}

/** What a catalogue says: `brand`, `categories` (each name on any of the paths) and `price`. */
export function itemFeatures(items: readonly Item[]): FeatureTable {
  return {
    ids: items.map(({ id }) => id),
    columns: {
      brand: items.map(({ brand }) => (brand === undefined ? [] : [brand])),
      categories: items.map(({ categories = [] }) => [...new Set(categories.flat())]),
      price: items.map(({ price }) => price),
    },
  };
}

/**
 * Side information as numbers: items × features, or users × features. A token is a column of ones (`class=Comedy`), a
 * number a column of values (`age`), of several numbers each place is one (`vector[0]`). A row that the table lacks is
 * empty; of several for one id the first counts.
 *
 * @param columns  names of the columns to take
 * @param ids      source ids by dense id, e.g. `interactions.itemIds`
 * @returns features, one per column of the matrix, by first appearance · matrix [ids, features]
 * @throws RangeError naming the columns that there are
 */
export function featureMatrix(
  table: FeatureTable,
  columns: readonly string[],
  ids: readonly string[],
): { features: string[]; matrix: SparseMatrix } {
  for (const name of columns) {
    if (name in table.columns) continue;
    throw new RangeError(
      `data: feature columns must be among ${Object.keys(table.columns).join(', ')}, got ${name}; correct the name`,
    );
  }
  const rowOf = new Map<string, number>();
  for (const [row, id] of table.ids.entries()) if (!rowOf.has(id)) rowOf.set(id, row);
  const indices = new Map<string, number>();
  const rows = ids.map((id) => {
    const row = rowOf.get(id);
    const entries = new Map<number, number>();
    if (row === undefined) return entries;
    for (const column of columns) {
      for (const [feature, value] of valuesOf(column, table.columns[column][row])) {
        const index = indices.get(feature) ?? indices.size;
        indices.set(feature, index);
        entries.set(index, value);
      }
    }
    return entries;
  });
  return { features: [...indices.keys()], matrix: sparseMatrix(rows, indices.size) };
}

function valuesOf(column: string, feature: Feature): [name: string, value: number][] {
  if (feature === undefined) return [];
  if (typeof feature === 'number') return [[column, feature]];
  if (feature instanceof Float64Array) {
    return Array.from(feature, (value, place) => [`${column}[${place}]`, value] as [string, number]);
  }
  return feature.map((token) => [`${column}=${token}`, 1]);
}
