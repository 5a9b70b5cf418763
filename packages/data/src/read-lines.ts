import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface Line {
  /** From 1. */
  number: number;
  text: string;
}

export type TextEncoding = 'utf8' | 'latin1';

/** What a reader could not read and passed over. */
export interface BadLines {
  file: string;
  /** Lines (or rows) that held something. */
  lines: number;
  bad: number;
  first?: { line: number; reason: string };
}

export interface ToleranceOptions {
  /**
   * Share of bad lines up to which a file is still believed, in [0, 1]: at most max(1, tolerance x lines) are passed
   * over, none with 0. Default 0.001.
   */
  tolerance?: number;
  /** Told once at the end of the file, and only when lines were passed over. */
  onBadLines?: (bad: BadLines) => void;
}

/**
 * A file's bytes as they are read, gunzipped when it begins like a gzip file, whatever its name.
 *
 * @throws Error naming the file when it cannot be read, or its gzip stream ends early or is damaged
 */
export async function* readBytes(path: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    const zipped = await isGzip(path);
    const file = createReadStream(path, { highWaterMark: 1 << 18 });
    const source = zipped ? pipeline(file, createGunzip({ chunkSize: 1 << 18 }), () => {}) : file;
    for await (const chunk of source) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) {
      throw new Error(
        `data: ${path} must be a complete gzip file, got "${message}" after ${bytes} bytes of content; download it again`,
        { cause },
      );
    }
    throw new Error(`data: ${path} must be a readable file, got ${message}; check the path`, { cause });
  }
}

const lineFeed = 10;
/** Longer lines mean a file of another kind, and would end in a failed allocation. */
const maxLineBytes = 1 << 26;

/**
 * A text file's lines, plain or gzip, one at a time and without line ends or byte order mark.
 *
 * @throws Error naming the file when it cannot be read, its gzip stream is cut or damaged, or a line exceeds 64 MiB or is
 *   not in the encoding: in UTF-8 all that is none would become one letter, and one user of several
 */
export async function* readLines(path: string, encoding: TextEncoding = 'utf8'): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let partBytes = 0;
  // Each line is decoded by itself: a slice of a larger string would keep the whole of it in memory.
  const decode = (last: Buffer): Line => {
    const bytes = parts.length === 0 ? last : Buffer.concat([...parts, last]);
    parts = [];
    partBytes = 0;
    number++;
    const text = bytes.toString(encoding, 0, bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length);
    if (encoding === 'utf8' && text.includes('\ufffd') && !isUtf8(bytes)) {
      throw new Error(
        `data: ${path}:${number} must be UTF-8, got ${JSON.stringify(text.slice(0, 40))}; convert the file, or set encoding: latin1 if it is that`,
      );
    }
    return { number, text: number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text };
  };
  for await (const chunk of readBytes(path)) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      yield decode(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    partBytes += chunk.length - from;
    if (partBytes > maxLineBytes) {
      throw new Error(
        `data: ${path}:${number + 1} must be a line of at most 64 MiB, got more; check that the file is text`,
      );
    }
  }
  if (parts.length > 0) yield decode(Buffer.alloc(0));
}

/**
 * Parses a file line by line. A line for which `parse` throws a SyntaxError is passed over and counted; blank lines are
 * passed over without.
 *
 * @throws Error naming file, first bad line and its reason when more lines are bad than the tolerance allows, or all are
 */
export async function* parseLines<T>(
  path: string,
  parse: (text: string) => T,
  options: ToleranceOptions & { encoding?: TextEncoding } = {},
): AsyncGenerator<T> {
  const badLines = countBadLines(path, options);
  for await (const { number, text } of readLines(path, options.encoding)) {
    if (text.trim() === '') continue;
    let value: T;
    try {
      value = parse(text);
    } catch (error) {
      badLines.add(number, error);
      continue;
    }
    badLines.addGood();
    yield value;
  }
  badLines.check();
}

/** At this many lines without a good one the rest of the file is not waited for. */
const hopeless = 1000;

/** Counts good and bad lines of one file, and judges them by the tolerance. */
export function countBadLines(file: string, options: ToleranceOptions) {
  const { tolerance = 0.001, onBadLines } = options;
  if (!(tolerance >= 0 && tolerance <= 1)) {
    throw new RangeError(`data: tolerance must be a share from 0 to 1, got ${tolerance}; 0.001 is the default`);
  }
  const count: BadLines = { file, lines: 0, bad: 0 };

  function fail(allowed: number): never {
    throw new Error(
      `data: ${file} must have at most ${allowed} unreadable lines of ${count.lines}${tolerance > 0 ? ` (tolerance ${tolerance})` : ''}, got ` +
        `${count.bad}, the first in line ${count.first?.line}: ${count.first?.reason}; mend the file${tolerance > 0 ? ' or raise the tolerance' : ''}`,
    );
  }
  return {
    addGood() {
      count.lines++;
    },
    /** Counts a bad line, or the lines of a bad row; rethrows what is no SyntaxError, as that is not the line's fault. */
    add(line: number, error: unknown, lines = 1) {
      if (!(error instanceof SyntaxError)) throw error;
      count.first ??= { line, reason: error.message };
      count.lines += lines;
      count.bad += lines;
      if (count.bad >= hopeless && count.lines === count.bad) fail(Math.floor(tolerance * count.lines));
    },
    /** To be called at the end of the file. */
    check() {
      if (count.bad === 0) return;
      const allowed = tolerance === 0 ? 0 : Math.max(1, Math.floor(tolerance * count.lines));
      if (count.bad > allowed || count.bad === count.lines) fail(Math.min(allowed, count.lines - 1));
      onBadLines?.(count);
    },
  };
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
