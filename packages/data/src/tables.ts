import {
  asyncBufferFromFile,
  type DecodedArray,
  parquetScan,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { writeFileAtomically } from './write-file.js';

type Optional<T> = T | null | undefined;

/** What each column type takes when written. `timestamp` is unix seconds, stored as UTC milliseconds. */
export interface ColumnInput {
  int32: Int32Array;
  int64: BigInt64Array;
  float: Float32Array;
  double: Float64Array | readonly Optional<number>[];
  timestamp: Float64Array;
  boolean: readonly boolean[];
  string: readonly Optional<string>[];
  'list<int32>': readonly (Int32Array | readonly number[])[];
  'list<double>': readonly (Float64Array | readonly number[])[];
  'list<string>': readonly (readonly string[])[];
}

/** What each column type gives when read. Missing doubles are NaN, missing strings null, missing lists empty. */
export interface ColumnOutput {
  int32: Int32Array;
  int64: BigInt64Array;
  float: Float32Array;
  double: Float64Array;
  timestamp: Float64Array;
  boolean: boolean[];
  string: (string | null)[];
  'list<int32>': Int32Array[];
  'list<double>': Float64Array[];
  'list<string>': string[][];
}

export type ColumnType = keyof ColumnInput;

/** A column to write: its type and its values, one per row. */
export type Column = { [T in ColumnType]: { type: T; values: ColumnInput[T] } }[ColumnType];

const leafTypes = {
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float: { type: 'FLOAT' },
  double: { type: 'DOUBLE' },
  // Without the older converted_type, which makes parquetjs-lite fail on the whole file.
  timestamp: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } },
  boolean: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
} as const satisfies Record<string, Partial<SchemaElement>>;

/**
 * Writes a Parquet file: SNAPPY, PLAIN encoding, row groups of 100,000. Equal columns give equal bytes. The file is
 * whole or absent ({@link writeFileAtomically}).
 *
 * Dictionaries and format version 2 would be smaller, but old readers (parquetjs-lite) refuse or misread them.
 *
 * @param columns  by name, in file order; all of one length
 * @throws RangeError when lengths differ or a value does not fit its type
 */
export async function writeParquet(path: string, columns: Readonly<Record<string, Column>>): Promise<void> {
  const schema: SchemaElement[] = [{ name: 'schema', num_children: Object.keys(columns).length }];
  const columnData = [];
  let rows: number | undefined;
  for (const [name, column] of Object.entries(columns)) {
    rows ??= column.values.length;
    if (column.values.length !== rows) {
      throw new RangeError(
        `data: column ${name} of ${path} must have ${rows} rows like the first column, got ${column.values.length}`,
      );
    }
    schema.push(...schemaOf(name, column));
    columnData.push({ name, data: storedValues(path, name, column), encoding: 'PLAIN' as const });
  }
  const writer = new ByteWriter();
  parquetWrite({ writer, schema, columnData, codec: 'SNAPPY', rowGroupSize: 100_000, createdBy: 'codebeam' });
  const bytes = writer.getBytes();
  setFormatVersion1(bytes);
  await writeFileAtomically(path, bytes);
}

function schemaOf(name: string, { type, values }: Column): SchemaElement[] {
  if (type === 'list<int32>' || type === 'list<double>' || type === 'list<string>') {
    const element = leafTypes[type.slice(5, -1) as 'int32' | 'double' | 'string'];
    return [
      { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'REQUIRED', ...element },
    ];
  }
  const nullable = type === 'string' || (type === 'double' && !ArrayBuffer.isView(values));
  return [{ name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED', ...leafTypes[type] }];
}

/** The values as the writer wants them: lists as plain arrays, times as whole milliseconds. */
function storedValues(path: string, name: string, column: Column): DecodedArray {
  switch (column.type) {
    case 'timestamp':
      return BigInt64Array.from(column.values, (seconds, row) => {
        if (!Number.isSafeInteger(Math.round(seconds * 1000))) {
          throw new RangeError(`data: column ${name} of ${path} must hold unix seconds, got ${seconds} in row ${row}`);
        }
        return BigInt(Math.round(seconds * 1000));
      });
    case 'list<int32>':
      return column.values.map((list, row) => {
        const array = Array.from(list);
        const wrong = array.find((value) => (value | 0) !== value);
        if (wrong !== undefined) {
          throw new RangeError(`data: column ${name} of ${path} must hold int32 values, got ${wrong} in row ${row}`);
        }
        return array;
      });
    case 'list<double>':
    case 'list<string>':
      return column.values.map((list) => Array.from<number | string>(list));
    case 'double':
    case 'string':
    case 'boolean':
      return column.values as DecodedArray;
    case 'int32':
    case 'int64':
    case 'float':
      return column.values;
  }
}

/**
 * The writer marks its footer as version 2, which readers of version 1 refuse although nothing in the file needs it.
 * The footer's first field is `1: i32 version`: header byte 0x15, then the zigzag varint (2 -> 0x04, 1 -> 0x02).
 */
function setFormatVersion1(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = bytes.length - 8 - view.getUint32(bytes.length - 8, true);
  if (bytes[footer] !== 0x15 || bytes[footer + 1] !== 0x04) {
    throw new Error('internal: the Parquet footer does not begin with version 2; the writer has changed');
  }
  bytes[footer + 1] = 0x02;
}

/** A column as it lies in a file: typed arrays for numbers, arrays for the rest (lists, nested values). */
export type ColumnValues = Int32Array | BigInt64Array | Float32Array | Float64Array | unknown[];

/**
 * Reads a Parquet file, any codec but LZO, column chunk by column chunk.
 *
 * With a schema, only those columns are read, and each comes as its type promises; numbers convert where no value
 * changes (int64 to int32 or double, say). Without one, all columns come as the file has them: INT32 as Int32Array,
 * INT64 as BigInt64Array, FLOAT and DOUBLE likewise, times as Float64Array of unix seconds, other types (and integers
 * with missing values) as arrays.
 *
 * @throws RangeError naming file, column and row when a column is missing or a value does not fit
 * @throws Error naming the file when it is missing, damaged or of another format
 */
export async function readParquet<const S extends Readonly<Record<string, ColumnType>>>(
  path: string,
  schema: S,
): Promise<{ [K in keyof S]: ColumnOutput[S[K]] }>;
export async function readParquet(path: string): Promise<Record<string, ColumnValues>>;
export async function readParquet(path: string, schema?: Readonly<Record<string, ColumnType>>): Promise<unknown> {
  const toSeconds = (perSecond: number) => (time: bigint) => Number(time) / perSecond;
  const options = {
    file: await asyncBufferFromFile(path).catch(unreadableParquet(path)),
    compressors,
    geoparquet: false,
    parsers: {
      timestampFromMilliseconds: toSeconds(1e3),
      timestampFromMicroseconds: toSeconds(1e6),
      timestampFromNanoseconds: toSeconds(1e9),
      dateFromDays: (days: number) => days * 86_400,
    },
  };
  const scan = await parquetScan(options).catch(unreadableParquet(path));
  const fields = new Map(parquetSchema(scan.metadata).children.map((field) => [field.element.name, field]));
  const names = schema ? Object.keys(schema) : [...fields.keys()];
  const columns: Record<string, unknown> = {};
  for (const name of names) {
    const field = fields.get(name);
    if (!field) {
      throw new RangeError(`data: ${path} must have a column ${name}, got ${[...fields.keys()].join(', ')}`);
    }
    const chunks: DecodedArray[] = [];
    for (const range of scan.ranges) {
      chunks.push(await scan.readColumn({ column: name, ...range }).catch(unreadableParquet(path)));
    }
    const values = joinChunks(chunks, field);
    columns[name] = schema ? convert(values, schema[name], `column ${name} of ${path}`) : values;
  }
  return columns;
}

/** What to do with an error in a Parquet file: name the file. */
export function unreadableParquet(path: string): (cause: unknown) => never {
  return (cause) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`data: ${path} must be a readable Parquet file, got ${reason}; check the path and the format`, {
      cause,
    });
  };
}

function joinChunks(chunks: DecodedArray[], field: SchemaTree): ColumnValues {
  const rows = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const numbers = emptyNumbers(field, rows);
  const isInteger = numbers instanceof Int32Array || numbers instanceof BigInt64Array;
  const hasMissing = (chunk: DecodedArray) => Array.isArray(chunk) && chunk.some((value) => value == null);
  const joined: { [row: number]: unknown } & ColumnValues =
    numbers && !(isInteger && chunks.some(hasMissing)) ? numbers : new Array(rows);
  let row = 0;
  for (const chunk of chunks) {
    for (const value of chunk) joined[row++] = numbers && !isInteger ? (value ?? Number.NaN) : value;
  }
  return joined;
}

/** The typed array that holds a flat column's values exactly, or nothing where there is none. */
function emptyNumbers({ element, children }: SchemaTree, rows: number): Exclude<ColumnValues, unknown[]> | undefined {
  const { type, converted_type: converted, logical_type: logical, repetition_type: repetition } = element;
  if (children.length > 0 || repetition === 'REPEATED') return undefined;
  const isUnsigned = converted?.startsWith('UINT') || (logical?.type === 'INTEGER' && !logical.isSigned);
  if (isUnsigned) return type === 'INT32' ? new Float64Array(rows) : undefined;
  if (logical?.type === 'FLOAT16') return new Float32Array(rows);
  const isTime = converted?.startsWith('TIMESTAMP') || logical?.type === 'TIMESTAMP' || converted === 'DATE';
  if (isTime || converted === 'DECIMAL') return new Float64Array(rows);
  if (type === 'INT32') return new Int32Array(rows);
  if (type === 'INT64') return new BigInt64Array(rows);
  if (type === 'FLOAT') return new Float32Array(rows);
  if (type === 'DOUBLE') return new Float64Array(rows);
  return undefined;
}

function convert(values: ArrayLike<unknown>, type: ColumnType, what: string): unknown {
  const each = <T>(accepts: (value: unknown) => T | undefined) =>
    Array.from(values, (value, row) => {
      const accepted = accepts(value);
      if (accepted !== undefined) return accepted;
      throw new RangeError(`data: ${what} must hold ${type} values, got ${value} in row ${row}`);
    });
  const toNumber = (value: unknown) => {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
    return typeof value === 'number' ? value : undefined;
  };
  switch (type) {
    case 'int32': {
      if (values instanceof Int32Array) return values;
      const fits = (value: unknown) => (toNumber(value) === (Number(value) | 0) ? Number(value) : undefined);
      return Int32Array.from(each(fits));
    }
    case 'int64':
      if (values instanceof BigInt64Array) return values;
      return BigInt64Array.from(
        each((value) =>
          Number.isSafeInteger(value) || typeof value === 'bigint' ? BigInt(value as bigint) : undefined,
        ),
      );
    case 'float':
      return values instanceof Float32Array ? values : Float32Array.from(each(toNumber));
    case 'double':
    case 'timestamp':
      if (values instanceof Float64Array) return values;
      return Float64Array.from(each((value) => (value == null ? Number.NaN : toNumber(value))));
    case 'boolean':
      return each((value) => (typeof value === 'boolean' ? value : undefined));
    case 'string':
      return each((value) => (value == null ? null : typeof value === 'string' ? value : undefined));
    case 'list<int32>':
    case 'list<double>':
    case 'list<string>': {
      const element = type.slice(5, -1) as 'int32' | 'double' | 'string';
      const isList = (value: unknown) => (value == null ? [] : Array.isArray(value) ? value : undefined);
      return each<unknown[]>(isList).map((list, row) => convert(list, element, `${what} (list in row ${row})`));
    }
  }
}
