import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import * as z from 'zod';
import { atomicFile, parseDelimited, requireColumns } from './delimited.js';
import { idOf, numberOf, shown } from './ids.js';
import type { RawInteraction } from './interactions.js';
import { type Item, itemOf } from './items.js';
import { countBadLines, parseLines, type ToleranceOptions } from './read-lines.js';
import { unreadableParquet } from './tables.js';

const column = z.string().min(1);

const formats = ['csv', 'tsv', 'jsonl', 'parquet', 'recbole'] as const;
export type TableFormat = (typeof formats)[number];

/** How a file of rows is written. Each field of it that is left out follows from the file's name. */
const tableFormat = {
  format: z.enum(formats).optional().describe('default: by the file name, .gz or not'),
  delimiter: z.string().min(1).optional().describe('between fields of csv and tsv, e.g. ";" or "::"'),
  header: z.boolean().default(true).describe('whether the first row names the columns; else they are 1, 2, 3 ...'),
  quotes: z
    .boolean()
    .default(true)
    .describe(
      'whether fields of csv and tsv may stand in double quotes. A line of tsv is a row: where fields hold line breaks or tabs, set format: csv and delimiter: "\\t"',
    ),
  encoding: z.enum(['utf8', 'latin1']).default('utf8'),
};

/** Which columns of a file of interactions mean what, and how the file is written. */
export const interactionMapSchema = z.strictObject({
  columns: z.strictObject({ user: column, item: column, timestamp: column, rating: column.optional() }),
  timestampUnit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .describe('of numbers; ISO dates are read as such'),
  ...tableFormat,
});

/** Which columns of a file of items mean what, and how the file is written. */
export const itemMapSchema = z.strictObject({
  columns: z.strictObject({
    id: column,
    title: column.optional(),
    brand: column.optional(),
    categories: column.optional(),
    price: column.optional(),
    description: column.optional(),
  }),
  categorySeparator: z.string().min(1).default('|').describe('between categories that stand in one text'),
  pathSeparator: z.string().min(1).default('>').describe('between the levels of one category, root first'),
  ...tableFormat,
});

export type InteractionMap = z.input<typeof interactionMapSchema>;
export type ItemMap = z.input<typeof itemMapSchema>;

/**
 * Reads interactions from CSV, TSV, JSONL (plain or gzip, row by row) or Parquet (by row group), in file order.
 * Times are numbers in `timestampUnit`, or ISO 8601 dates, read as UTC where they name no zone.
 *
 * @throws ZodError when the map is wrong
 * @throws Error naming the file, and line or column, when a column is missing or too many rows are bad
 */
export function readMappedInteractions(
  path: string,
  map: InteractionMap,
  options: ToleranceOptions = {},
): AsyncGenerator<RawInteraction> {
  const { columns, timestampUnit, ...format } = interactionMapSchema.parse(map);
  const parseRow = (row: Row) => interactionOf(row, columns, timestampUnit);
  return readRows(path, wantedOf(columns), parseRow, { ...format, ...options, ids: [columns.user, columns.item] });
}

/** @throws SyntaxError naming the column whose value is no id, time or (where there is a column of them) rating */
export function interactionOf(
  row: Row,
  columns: InteractionMap['columns'],
  unit: 'seconds' | 'milliseconds',
): RawInteraction {
  return {
    user: idOf(row[columns.user], `"${columns.user}"`),
    item: idOf(row[columns.item], `"${columns.item}"`),
    timestamp: parseTime(row[columns.timestamp], columns.timestamp, unit),
    ...(columns.rating !== undefined && { rating: ratingOf(row, columns.rating) }),
  };
}

function ratingOf(row: Row, name: string): number {
  const rating = numberOf(row[name]);
  if (Number.isFinite(rating)) return rating;
  throw new SyntaxError(
    `"${name}" must be a number, got ${shown(row[name])}: leave the column out if ratings may be missing`,
  );
}

/**
 * Reads items from CSV, TSV, JSONL or Parquet, in file order. Categories are a text (`Hair > Dye|Colour`), a list of
 * flat tags or a list of paths.
 *
 * @throws ZodError when the map is wrong
 * @throws Error naming the file, and line or column, when a column is missing or too many rows are bad
 */
export function readMappedItems(path: string, map: ItemMap, options: ToleranceOptions = {}): AsyncGenerator<Item> {
  const { columns, categorySeparator, pathSeparator, ...format } = itemMapSchema.parse(map);
  const field = (row: Row, name: string | undefined) => (name === undefined ? undefined : row[name]);
  const parseRow = (row: Row): Item => {
    const categories = field(row, columns.categories);
    return itemOf(idOf(row[columns.id], `"${columns.id}"`), {
      title: field(row, columns.title),
      brand: field(row, columns.brand),
      categories:
        typeof categories === 'string'
          ? categories.split(categorySeparator).map((path) => path.split(pathSeparator).map((name) => name.trim()))
          : categories,
      price: field(row, columns.price),
      description: field(row, columns.description),
    });
  };
  return readRows(path, wantedOf(columns), parseRow, { ...format, ...options, ids: [columns.id] });
}

/** A row by column name, as its format has it: texts in delimited files, typed values in the others. */
export type Row = Record<string, unknown>;

export interface RowOptions extends ToleranceOptions {
  /** By default as the file's name says. */
  format?: TableFormat;
  delimiter?: string;
  /** Whether the first row names the columns; else they are 1, 2, 3 ... Default true. */
  header?: boolean;
  /** Whether fields of csv and tsv may stand in double quotes. Default true. */
  quotes?: boolean;
  encoding?: 'utf8' | 'latin1';
  /** Columns of ids. Of Parquet's 32 bit floats they must be below 2^24: beyond, ids that differ have become one. */
  ids?: readonly string[];
}

/**
 * Reads the rows of a file of any format, plain or gzip, in file order. A row for which `parseRow` throws a SyntaxError
 * is passed over and counted.
 *
 * @param columns  columns that must be there (in JSONL in one row at least); of Parquet files no others are read
 * @throws Error naming the file, and line or column, when a column is missing or too many rows are bad
 */
export function readRows<T>(
  path: string,
  columns: readonly string[],
  parseRow: (row: Row) => T,
  options: RowOptions = {},
): AsyncGenerator<T> {
  const format = options.format ?? formatOf(path);
  switch (format) {
    case 'csv':
      return parseDelimited(path, columns, parseRow, options);
    case 'tsv':
      return parseDelimited(path, columns, parseRow, {
        ...options,
        delimiter: options.delimiter ?? '\t',
        multiline: false,
      });
    case 'recbole':
      return parseDelimited(path, columns, parseRow, { ...options, ...atomicFile });
    case 'jsonl':
      return parseJsonLines(path, columns, parseRow, options);
    case 'parquet':
      return parseParquet(path, columns, parseRow, options);
    default:
      throw new RangeError(`data: format must be one of ${formats.join(', ')}, got ${format satisfies never}; set one`);
  }
}

function formatOf(path: string): TableFormat {
  const extension = /\.(\w+?)(?:\.gz)?$/.exec(path)?.[1].toLowerCase();
  switch (extension) {
    case 'csv':
    case 'tsv':
    case 'jsonl':
    case 'parquet':
      return extension;
    case 'ndjson':
      return 'jsonl';
    case 'inter':
    case 'item':
      return 'recbole';
    default:
      throw new RangeError(
        `data: ${path} must end in .csv, .tsv, .jsonl, .parquet, .inter or .item (.gz or not), got ".${extension}"; set the format`,
      );
  }
}

async function* parseJsonLines<T>(
  path: string,
  columns: readonly string[],
  parseRow: (row: Row) => T,
  options: RowOptions,
): AsyncGenerator<T> {
  const names = new Set<string>();
  const parseLine = (text: string) => {
    const row = jsonRow(text);
    for (const name in row) names.add(name);
    return parseRow(row);
  };
  yield* parseLines(path, parseLine, options);
  if (names.size > 0) requireColumns(path, columns, [...names], 'correct the column map');
}

/** The columns of a Parquet file. */
export async function parquetColumns(path: string): Promise<string[]> {
  const { metadata } = await openParquet(path);
  return parquetSchema(metadata).children.map(({ element }) => element.name);
}

async function* parseParquet<T>(
  path: string,
  columns: readonly string[],
  parseRow: (row: Row) => T,
  options: RowOptions,
): AsyncGenerator<T> {
  const badLines = countBadLines(path, options);
  const { file, metadata } = await openParquet(path);
  const elements = parquetSchema(metadata).children.map(({ element }) => element);
  requireColumns(
    path,
    columns,
    elements.map(({ name }) => name),
    'correct the column map',
  );
  const floatIds = elements.filter(({ name, type }) => type === 'FLOAT' && options.ids?.includes(name));
  let row = 0;
  for (const { num_rows: groupRows } of metadata.row_groups) {
    const rowEnd = row + Number(groupRows);
    const group = { file, metadata, columns: [...columns], rowStart: row, rowEnd, compressors };
    for (const record of await parquetReadObjects(group).catch(unreadableParquet(path))) {
      row++;
      for (const { name } of floatIds) checkExact(path, name, record[name]);
      let value: T;
      try {
        value = parseRow(record);
      } catch (error) {
        badLines.add(row, error);
        continue;
      }
      badLines.addGood();
      yield value;
    }
    row = rowEnd;
  }
  badLines.check();
}

async function openParquet(path: string) {
  const file = await asyncBufferFromFile(path).catch(unreadableParquet(path));
  return { file, metadata: await parquetMetadataAsync(file).catch(unreadableParquet(path)) };
}

function checkExact(path: string, name: string, id: unknown): void {
  if (typeof id !== 'number' || !(Math.abs(id) >= 2 ** 24)) return;
  throw new Error(
    `data: ids of ${path} must be exact, got about ${id} as a 32 bit float in "${name}"; write them as integers or texts`,
  );
}

function wantedOf(columns: Record<string, string | undefined>): string[] {
  return [...new Set(Object.values(columns).filter((name) => name !== undefined))];
}

function jsonRow(text: string): Row {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  throw new SyntaxError(`a line must be an object, got ${text.slice(0, 40)}`);
}

/** ISO 8601, date alone or with a time. */
const isoDate = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
/** 2100-01-01: seconds beyond are milliseconds that nobody declared. */
const lastSecond = 4_102_444_800;

/**
 * A time in unix seconds, of a number in `unit` or an ISO 8601 date.
 *
 * @param name  what to call it in errors
 * @throws SyntaxError when it is neither, no day of the calendar, or lies beyond the year 2100
 */
export function parseTime(value: unknown, name: string, unit: 'seconds' | 'milliseconds'): number {
  if (value instanceof Date) return value.getTime() / 1000;
  const iso = typeof value === 'string' ? isoDate.exec(value.trim()) : null;
  if (iso !== null) {
    // Without a zone a date-time would be read in the machine's own.
    const zone = iso[0].length > 10 && iso[1] === undefined ? 'Z' : '';
    const milliseconds = Date.parse(iso[0].replace(' ', 'T') + zone);
    const day = iso[0].slice(0, 10);
    // Of a month's 30th and 31st that are not there Date makes days of the next.
    if (Number.isNaN(milliseconds) || new Date(day).toISOString().slice(0, 10) !== day)
      throw new SyntaxError(`"${name}" must be a date of the calendar, got ${shown(value)}`);
    return milliseconds / 1000;
  }
  const time = numberOf(value);
  if (!Number.isFinite(time)) throw new SyntaxError(`"${name}" must be a number or an ISO date, got ${shown(value)}`);
  const seconds = unit === 'milliseconds' ? time / 1000 : time;
  if (Math.abs(seconds) > lastSecond) {
    throw new SyntaxError(
      `"${name}" must lie before the year 2100, got ${shown(value)} ${unit}: check the unit (timestampUnit)`,
    );
  }
  return seconds;
}
