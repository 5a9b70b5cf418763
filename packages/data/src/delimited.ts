import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { parse as parseAtOnce } from 'csv-parse/sync';
import { countBadLines, readBytes, readLines, type TextEncoding, type ToleranceOptions } from './read-lines.js';

export interface DelimitedOptions extends ToleranceOptions {
  /** What separates fields: `,` by default, a tab, `;`, `::` ... */
  delimiter?: string;
  /** Whether the first row names the columns; otherwise they are called 1, 2, 3 ... Default true. */
  header?: boolean;
  /** Whether fields may stand in double quotes. Default true. */
  quotes?: boolean;
  /**
   * Whether a quoted field may hold delimiters and line breaks. Otherwise each line is a row, and a field is quoted when it
   * begins and ends with a quote: a quote alone is text. Default true.
   */
  multiline?: boolean;
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
 * `parse` throws a SyntaxError, is passed over and counted, as many times as it has lines: two stray quotes make one row of
 * all that lies between them. A quote that is never closed is an error at once, as nothing after it can be told apart.
 *
 * @param columns   columns that must be there
 * @param parseRow  of a row and the number of its first line, from 1
 * @throws Error naming file, line and reason
 */
export async function* parseDelimited<T>(
  path: string,
  columns: readonly string[],
  parseRow: (row: Record<string, string>, line: number) => T,
  options: DelimitedOptions = {},
): AsyncGenerator<T> {
  const { delimiter = ',', header = true, quotes = true, multiline = true, encoding = 'utf8' } = options;
  const columnName = options.columnName ?? ((field: string) => field.trim());
  const badLines = countBadLines(path, options);
  const hasQuotes = quotes && (await holdsQuotes(path));
  const records =
    hasQuotes && multiline
      ? quotedRecords(path, delimiter, encoding)
      : plainRecords(path, delimiter, encoding, hasQuotes ? unquoted : undefined);
  let names: string[] | undefined;
  for await (const { record, line, lines = 1, fault } of records) {
    if (record.length === 1 && record[0].trim() === '') continue;
    if (names === undefined) {
      names = record.map((field, i) => (header ? columnName(field) : `${i + 1}`));
      requireColumns(path, columns, names, 'correct the column map or the delimiter');
      if (header) continue;
    }
    let value: T;
    try {
      if (fault !== undefined) throw new SyntaxError(fault);
      if (record.length !== names.length) {
        throw new SyntaxError(`a row must have ${names.length} fields, got ${record.length}`);
      }
      const row: Record<string, string> = {};
      for (const [i, name] of names.entries()) row[name] = record[i];
      value = parseRow(row, line);
    } catch (error) {
      badLines.add(line, error, lines);
      continue;
    }
    badLines.addGood();
    yield value;
  }
  if (names === undefined && header) requireColumns(path, columns, [], 'the file is empty');
  badLines.check();
}

/** @throws Error naming the columns that a file lacks and those that it has, or one that it has twice */
export function requireColumns(path: string, wanted: readonly string[], has: readonly string[], remedy: string): void {
  const missing = wanted.filter((column) => !has.includes(column));
  if (missing.length > 0) {
    throw new Error(
      `data: ${path} must have the columns ${missing.join(', ')}, got ${has.join(', ') || 'none'}; ${remedy}`,
    );
  }
  const repeated = wanted.find((column) => has.indexOf(column) !== has.lastIndexOf(column));
  if (repeated !== undefined) {
    throw new Error(`data: ${path} must have one column ${repeated}, got ${has.join(', ')}; rename the others`);
  }
}

interface DelimitedRecord {
  record: string[];
  /** From 1; of a record of several lines the first. */
  line: number;
  /** How many it has. */
  lines?: number;
  /** Why it is no row. */
  fault?: string;
}

/** Quotes are searched for first, as a file without any is read several times faster, a line at a time. */
async function holdsQuotes(path: string): Promise<boolean> {
  for await (const chunk of readBytes(path)) if (chunk.includes('"')) return true;
  return false;
}

async function* plainRecords(
  path: string,
  delimiter: string,
  encoding: TextEncoding,
  fieldOf?: (text: string) => string,
): AsyncGenerator<DelimitedRecord> {
  for await (const { text, number: line } of readLines(path, encoding)) {
    const record = text.split(delimiter);
    yield { record: fieldOf && text.includes('"') ? record.map(fieldOf) : record, line };
  }
}

function unquoted(field: string): string {
  return /^".*"$/.test(field) ? field.slice(1, -1).replaceAll('""', '"') : field;
}

async function* quotedRecords(
  path: string,
  delimiter: string,
  encoding: TextEncoding,
): AsyncGenerator<DelimitedRecord> {
  const format = {
    delimiter,
    quote: '"',
    record_delimiter: '\n',
    relax_column_count: true, // counted by the caller, who can pass the row over
    skip_empty_lines: true,
  };
  const parser = parse({ ...format, relax_quotes: true, info: true, raw: true, max_record_size: maxRowBytes });
  type Parsed = AsyncIterable<{ record: string[]; raw: string; info: { lines: number } }>;
  try {
    const parsed = pipeline(Readable.from(joinedLines(path, encoding)), parser, () => {}) as Parsed;
    for await (const { record, raw, info } of parsed) {
      const breaks = record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
      // What text may be quoted loosely within a line would let two stray quotes swallow all lines between them.
      const fault = breaks > 0 && closesLoosely(raw, format) ? 'a quote must be closed before a delimiter' : undefined;
      yield { record, line: info.lines - breaks, lines: breaks + 1, ...(fault && { fault }) };
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith('CSV_')) throw cause;
    throw new Error(
      `data: ${path} must be delimited text, got "${message}"; mend the line, or turn quotes off if fields are not quoted`,
      { cause },
    );
  }
}

/** Whether text follows on a closing quote. */
function closesLoosely(raw: string, format: object): boolean {
  try {
    parseAtOnce(raw, format);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'CSV_INVALID_CLOSING_QUOTE';
  }
  return false;
}

/** A file's text in pieces of whole lines that end with a line feed. */
async function* joinedLines(path: string, encoding: TextEncoding): AsyncGenerator<string> {
  let piece = '';
  for await (const { text } of readLines(path, encoding)) {
    piece += `${text}\n`;
    if (piece.length < 1 << 16) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
