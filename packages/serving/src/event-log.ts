import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionEvent } from '@codebeam/simulation';

/** Events as JSON lines in files. */
export interface EventLog {
  /** Fulfilled when the event's line is in the file: whatever happens to this process then, it is there. */
  append(event: SessionEvent): Promise<void>;
  /** Files that hold events, oldest first; the last is being written. */
  readonly files: readonly string[];
  /** Ends when every event has been written. */
  close(): Promise<void>;
}

export interface EventLogOptions {
  /** A file that has as much is put aside; 100 MiB by default. */
  maxBytes?: number;
  /** Files put aside that are kept: `data.json.1` is the latest; 10 by default. */
  maxFiles?: number;
  /** Whether events wait for the disk too, and so survive a loss of power. Slower; off by default. */
  sync?: boolean;
}

/**
 * Opens the log `data.json` of a folder, which is to have one writer. A last line that a crash has cut short was never acknowledged,
 * and is removed. Events that come while others are written are written together.
 */
export async function openEventLog(
  folder: string,
  { maxBytes = 100 * 2 ** 20, maxFiles = 10, sync = false }: EventLogOptions = {},
): Promise<EventLog> {
  const path = join(folder, 'data.json');
  let file = await mkdir(folder, { recursive: true })
    .then(() => open(path, 'a+'))
    .catch((cause: Error) => {
      throw new Error(`serving: log must be writable at ${path}, got ${cause.message}; name another folder`, { cause });
    });
  let size = await cutTornLine(file);
  let aside = await findAside(folder);

  interface Waiting {
    line: Buffer;
    resolve: () => void;
    reject: (error: unknown) => void;
  }
  let queue: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let isClosed = false;

  async function rotate(): Promise<void> {
    aside = await findAside(folder); // somebody may have taken files away
    await file.close();
    // Each goes one further, up to the first number that is free (a crash may have left one), else over the oldest.
    let free = 1;
    while (free < maxFiles && aside.has(free)) free++;
    for (let number = free; number > 1; number--) await rename(`${path}.${number - 1}`, `${path}.${number}`);
    if (maxFiles > 0) await rename(path, `${path}.1`);
    else await rm(path);
    for (let number = Math.min(free, maxFiles); number >= 1; number--) aside.add(number);
    file = await open(path, 'a+');
    size = 0;
  }

  async function write(lines: Buffer): Promise<void> {
    if (size > 0 && size + lines.length > maxBytes) await rotate();
    try {
      for (let written = 0; written < lines.length; ) {
        written += (await file.write(lines, written, lines.length - written)).bytesWritten;
      }
      if (sync) await file.datasync();
      size += lines.length;
    } catch (error) {
      // What is half there would run into the next line.
      await file.truncate(size).catch(() => {});
      throw error;
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        await write(Buffer.concat(batch.map(({ line }) => line)));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = undefined;
  }

  return {
    append(event) {
      if (isClosed)
        return Promise.reject(new Error('serving: event log must be open, got an event after it was closed'));
      const line = Buffer.from(`${JSON.stringify(event)}\n`);
      return new Promise((resolve, reject) => {
        queue.push({ line, resolve, reject });
        // Requests of this turn of the event loop go together.
        writing ??= new Promise<void>((begin) => setImmediate(begin)).then(drain);
      });
    },
    get files() {
      const older = [...aside].sort((a, b) => b - a).map((number) => `${path}.${number}`);
      return [...older.filter((file) => existsSync(file)), path];
    },
    async close() {
      isClosed = true;
      await writing;
      await file.close();
    },
  };
}

/** @returns the bytes that are left: whole lines */
async function cutTornLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const newline = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline >= 0 || start === 0) {
      const whole = newline >= 0 ? start + newline + 1 : 0;
      if (whole < size) await file.truncate(whole);
      return whole;
    }
    end = start;
  }
  return 0;
}

/** Numbers of the files that were put aside. */
async function findAside(folder: string): Promise<Set<number>> {
  const numbers = (await readdir(folder)).map((name) => /^data\.json\.([1-9]\d*)$/.exec(name)?.[1]);
  return new Set(numbers.filter((number) => number !== undefined).map(Number));
}
