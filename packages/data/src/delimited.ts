import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { countBadLines, readBytes, readLines, type TextEncoding, type ToleranceOptions } from './read-lines.js';

export interface DelimitedOptions extends ToleranceOptions {
  /** What separates fields: `,` by default, a tab, `;`, `::` ... */
  delimiter?: string;
  /** Whether the first row names the columns; otherwise they are called 1, 2, 3 ... Default true. */
  header?: boolean;
  /** Whether fields may stand in double quotes. Default true. */
  quotes?: boolean;
  encoding?: TextEncoding;
  /** The column's name of a field of the header row; by default the field without spaces around it. */
  columnName?: (field: string) => string;
}

/** How RecBole's atomic files are written: tab separated, unquoted, with a header row of `name:type`. */
export const atomicFile = {
  delimiter: '\t',
  quotes: false,
  columnName: (field: string) => field.split(':')[0],
} satisfies DelimitedOptions;

/** A quoted field that is never closed would swallow the rest of the file: no honest row is so long. */
const maxRowBytes = 1 << 20;

/**
 * Parses a delimited file (CSV, TSV), plain or gzip, row by row. A row with a wrong number of fields, or for which
 * `parse` throws a SyntaxError, is passed over and counted. A quote that is never closed is an error at once, as nothing
 * after it can be told apart.
 *
 * @param columns  columns that must be there
 * @throws Error naming file, line and reason
 */
export async function* parseDelimited<T>(
  path: string,
  columns: readonly string[],
  parseRow: (row: Record<string, string>) => T,
  options: DelimitedOptions = {},
): AsyncGenerator<T> {
  const { delimiter = ',', header = true, quotes = true, encoding = 'utf8' } = options;
  const columnName = options.columnName ?? ((field: string) => field.trim());
  const badLines = countBadLines(path, options);
  const hasQuotes = quotes && (await holdsQuotes(path));
  const records = hasQuotes ? quotedRecords(path, delimiter, encoding) : plainRecords(path, delimiter, encoding);
  let names: string[] | undefined;
  for await (const { record, line } of records) {
    if (names === undefined) {
      names = record.map((field, i) => (header ? columnName(field) : `${i + 1}`));
      requireColumns(path, columns, names, 'correct the column map or the delimiter');
      if (header) continue;
    }
    let value: T;
    try {
      if (record.length !== names.length) {
        throw new SyntaxError(`a row must have ${names.length} fields, got ${record.length}`);
      }
      const row: Record<string, string> = {};
      for (const [i, name] of names.entries()) row[name] = record[i];
      value = parseRow(row);
    } catch (error) {
      badLines.add(line, error);
      continue;
    }
    badLines.addGood();
    yield value;
  }
  badLines.check();
}

/** @throws Error naming the columns that a file lacks and those that it has */
export function requireColumns(path: string, wanted: readonly string[], has: readonly string[], remedy: string): void {
  const missing = wanted.filter((column) => !has.includes(column));
  if (missing.length > 0) {
    throw new Error(`data: ${path} must have the columns ${missing.join(', ')}, got ${has.join(', ')}; ${remedy}`);
  }
}

interface DelimitedRecord {
  record: string[];
  /** From 1; of a record of several lines the last. */
  line: number;
}

/** Quotes are searched for first, as a file without any is read several times faster, a line at a time. */
async function holdsQuotes(path: string): Promise<boolean> {
  for await (const chunk of readBytes(path)) if (chunk.includes('"')) return true;
  return false;
}

async function* plainRecords(path: string, delimiter: string, encoding: TextEncoding): AsyncGenerator<DelimitedRecord> {
  for await (const { text, number } of readLines(path, encoding)) {
    if (text !== '') yield { record: text.split(delimiter), line: number };
  }
}

async function* quotedRecords(
  path: string,
  delimiter: string,
  encoding: TextEncoding,
): AsyncGenerator<DelimitedRecord> {
  const parser = parse({
    bom: true,
    delimiter,
    encoding,
    quote: '"',
    record_delimiter: ['\n', '\r\n'],
    info: true,
    relax_column_count: true, // counted by the caller, who can pass the row over
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRowBytes,
  });
  type Parsed = AsyncIterable<{ record: string[]; info: { lines: number } }>;
  try {
    const parsed = pipeline(Readable.from(readBytes(path)), parser, () => {}) as Parsed;
    for await (const { record, info } of parsed) yield { record, line: info.lines };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith('CSV_')) throw cause;
    throw new Error(
      `data: ${path} must be delimited text, got "${message}"; mend the line, or turn quotes off if fields are not quoted`,
      { cause },
    );
  }
}
