import { DataType, Precision, tableFromIPC } from 'apache-arrow';
import type { Embeddings } from './embeddings.js';
import { bfloat16ToFloat32, float16ToFloat32 } from './float16.js';
import { readNpy } from './npy.js';
import { readWholeFile } from './read-file.js';
import { decodeSafetensors } from './safetensors.js';
import { readParquet } from './tables.js';

/** Where the vectors of a catalogue lie. */
export interface PrecomputedOptions {
  /** `.arrow`, `.feather`, `.parquet`, `.npy`, `.npy.gz` or `.safetensors` */
  path: string;
  /** ids of the items, by dense id */
  itemIds: readonly string[];
  /** E, when the caller counts on one */
  dim?: number;
  /** column or tensor of the vectors; default `embedding` (a safetensors file may hold one tensor of any name) */
  column?: string;
  /** Arrow and Parquet: column of the item ids; default `id` where the file has it */
  idColumn?: string;
  /** the item ids of the rows, first to last, of a file that does not hold them */
  embeddingIds?: readonly string[];
  /** says that row n is item n, of a file that holds no ids */
  inItemOrder?: boolean;
}

/** A file's vectors: row r is `vectors(r)`, of the item `ids[r]` where the file says so. */
interface VectorFile {
  rows: number;
  vector(row: number): ArrayLike<unknown>;
  ids?: readonly string[];
  /** Other columns, which may be ids. */
  others?: readonly string[];
}

/**
 * Loads item embeddings that another program made. Rows are matched to items by the ids of the file or, where it holds
 * none, by `embeddingIds`; rows of other items are ignored. With `inItemOrder` row n is item n, and there must be as many
 * rows as items. Without any of these nobody could tell whose the rows are: dense ids follow no order that a file has.
 *
 * @returns values [N*E] float32, in the order of `itemIds`
 * @throws RangeError naming the file and what is wrong: format, column, row count, width, rows without ids, ids without
 *   a vector, ids that occur twice, values that are not finite numbers
 */
export async function loadPrecomputedEmbeddings(options: PrecomputedOptions): Promise<Embeddings> {
  const { path, itemIds } = options;
  const file = await openVectors(options);
  const rowOf = rowsOfItems(options, file);
  const dim = options.dim ?? (itemIds.length > 0 ? file.vector(rowOf[0]).length : 0);
  const values = new Float32Array(itemIds.length * dim);
  rowOf.forEach((row, item) => {
    const vector = file.vector(row);
    if (vector.length !== dim) {
      throw new RangeError(
        `data: ${path} must have vectors of width ${dim}, got width ${vector.length} in row ${row} (item ${itemIds[item]})`,
      );
    }
    for (let column = 0; column < dim; column++) {
      const value = vector[column];
      if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
        throw new RangeError(
          `data: ${path} must have finite values, got ${value} in row ${row} (item ${itemIds[item]}), column ${column}`,
        );
      }
      values[item * dim + column] = value;
    }
  });
  return { values, rows: itemIds.length, dim };
}

async function openVectors({ path, column, idColumn }: PrecomputedOptions): Promise<VectorFile> {
  if (/\.(arrow|feather|ipc)$/.test(path)) return openArrow(path, column ?? 'embedding', idColumn);
  if (path.endsWith('.parquet')) return openParquet(path, column ?? 'embedding', idColumn);
  if (idColumn !== undefined) {
    throw new RangeError(
      `data: idColumn must be left out for ${path}, got ${idColumn}; such files hold no ids, give embeddingIds`,
    );
  }
  if (/\.npy(\.gz)?$/.test(path)) {
    const { shape, data } = await readNpy(path);
    return openMatrix(path, shape, data);
  }
  if (path.endsWith('.safetensors')) return openSafetensors(path, column);
  throw new RangeError(`data: embeddings must be an .arrow, .parquet, .npy, .npy.gz or .safetensors file, got ${path}`);
}

async function openArrow(path: string, column: string, idColumn: string | undefined): Promise<VectorFile> {
  const bytes = await readWholeFile(path);
  let table: ReturnType<typeof tableFromIPC>;
  try {
    table = tableFromIPC(bytes);
  } catch (cause) {
    throw new RangeError(`data: ${path} must be an uncompressed Arrow file, got ${(cause as Error).message}`, {
      cause,
    });
  }
  const names = table.schema.fields.map((field) => field.name);
  const vectors = table.getChild(named(path, column, names));
  const type: DataType = vectors!.type;
  if (!DataType.isFixedSizeList(type) && !DataType.isList(type) && !DataType.isLargeList(type)) {
    throw new RangeError(`data: column ${column} of ${path} must hold lists of numbers, got ${type}`);
  }
  const element: DataType = type.children[0].type;
  const isHalf = DataType.isFloat(element) && element.precision === Precision.HALF;
  const ids = idColumnOf(path, idColumn, names);
  return {
    rows: table.numRows,
    vector: (row) => {
      const list = vectors!.get(row);
      if (list === null) return [];
      if (list.nullCount > 0) return Array.from(list);
      return isHalf ? float16ToFloat32(list.toArray()) : list.toArray();
    },
    ids: ids === undefined ? undefined : Array.from(table.getChild(ids)!, String),
    others: names.filter((name) => name !== column),
  };
}

async function openParquet(path: string, column: string, idColumn: string | undefined): Promise<VectorFile> {
  const table = await readParquet(path);
  const names = Object.keys(table);
  const vectors = table[named(path, column, names)];
  const ids = idColumnOf(path, idColumn, names);
  return {
    rows: vectors.length,
    vector: (row) => {
      const list = vectors[row];
      if (Array.isArray(list)) return list;
      throw new RangeError(`data: column ${column} of ${path} must hold lists of numbers, got ${list} in row ${row}`);
    },
    ids: ids === undefined ? undefined : Array.from<unknown, string>(table[ids], String),
    others: names.filter((name) => name !== column),
  };
}

async function openSafetensors(path: string, column: string | undefined): Promise<VectorFile> {
  const { tensors } = decodeSafetensors(await readWholeFile(path), path);
  const names = Object.keys(tensors);
  const name = column ?? (names.length === 1 ? names[0] : 'embedding');
  const { dtype, shape, data } = tensors[named(path, name, names)];
  if (dtype === 'F16') return openMatrix(path, shape, float16ToFloat32(data));
  if (dtype === 'BF16') return openMatrix(path, shape, bfloat16ToFloat32(data));
  return openMatrix(path, shape, data);
}

function openMatrix(
  path: string,
  shape: readonly number[],
  data: { subarray(start: number, end: number): ArrayLike<unknown> },
): VectorFile {
  if (shape.length !== 2) {
    throw new RangeError(`data: ${path} must hold a matrix of items by width, got shape [${shape}]`);
  }
  const [rows, dim] = shape;
  return { rows, vector: (row) => data.subarray(row * dim, (row + 1) * dim) };
}

function named(path: string, column: string, names: readonly string[]): string {
  if (names.includes(column)) return column;
  throw new RangeError(
    `data: ${path} must have a column or tensor ${column}, got ${names.join(', ')}; name one of those`,
  );
}

function idColumnOf(path: string, idColumn: string | undefined, names: readonly string[]): string | undefined {
  if (idColumn !== undefined) return named(path, idColumn, names);
  return names.includes('id') ? 'id' : undefined;
}

/** [N] the row of each item. */
function rowsOfItems(
  { path, itemIds, embeddingIds, inItemOrder }: PrecomputedOptions,
  { rows, ids = embeddingIds ?? (inItemOrder ? itemIds : undefined), others = [] }: VectorFile,
): number[] {
  if (ids === undefined) {
    const got = others.length > 0 ? `the columns ${others.join(', ')} beside its vectors` : 'vectors alone';
    throw new RangeError(
      `data: ${path} must say which item each row is of, got ${got}; name the column of ids as idColumn, give embeddingIds, or set inItemOrder if row n is item n`,
    );
  }
  if (rows !== ids.length) {
    const what = ids === itemIds ? 'items' : 'embeddingIds';
    throw new RangeError(
      `data: ${path} must have one row for each of ${ids.length} ${what}, got ${rows} rows; give the ids of its rows`,
    );
  }
  return matchRows(path, ids, itemIds);
}

function matchRows(path: string, ids: readonly string[], itemIds: readonly string[]): number[] {
  const rows = new Map<string, number>();
  ids.forEach((id, row) => {
    if (rows.has(id)) {
      throw new RangeError(`data: ${path} must hold each item once, got item ${id} in rows ${rows.get(id)} and ${row}`);
    }
    rows.set(id, row);
  });
  const missing = itemIds.filter((id) => !rows.has(id));
  if (missing.length > 0) {
    const some = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ', ...' : '');
    throw new RangeError(
      `data: ${path} must have a vector for each of ${itemIds.length} items, got none for ${missing.length}: ${some}`,
    );
  }
  return itemIds.map((id) => rows.get(id)!);
}
