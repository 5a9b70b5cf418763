import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Outcome, Report } from './launcher.js';
import type { Hyperparameters, OptionValue } from './search-space.js';

/** What is known of a trial. */
export interface TrialRecord {
  number: number;
  values: Hyperparameters;
  status: 'running' | Outcome['status'] | 'failed';
  /** By rising resource. */
  reports: readonly Report[];
  /** Seconds since 1970. */
  started: number;
  /** Of a trial that has ended; from the last start, if it was killed before. */
  seconds?: number;
  /** Not known of a trial that failed. */
  cpuSeconds?: number;
  peakBytes?: number;
  error?: string;
}

const optionSchema: z.ZodType<OptionValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(optionSchema)]),
);
const trial = z.int().nonnegative();
const lineSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('study'), study: z.record(z.string(), z.unknown()) }),
  z.object({ event: z.literal('start'), trial, values: z.record(z.string(), optionSchema), time: z.number() }),
  z.object({ event: z.literal('report'), trial, resource: z.number(), metrics: z.record(z.string(), z.number()) }),
  z.object({
    event: z.literal('end'),
    trial,
    status: z.enum(['complete', 'stopped', 'failed']),
    seconds: z.number(),
    cpuSeconds: z.number().optional(),
    peakBytes: z.number().optional(),
    error: z.string().optional(),
  }),
]);

/** A line of the journal. */
export type JournalLine = z.output<typeof lineSchema>;

/** Nothing more can be remembered: the study ends, and can go on from what there is. */
export class JournalError extends Error {
  override name = 'JournalError';
}

/** A study's memory: a file that only grows. */
export interface Journal {
  /** Resolves once the line is on the disk. @throws JournalError */
  append(line: JournalLine): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal, and reads what an earlier process wrote. A last line that a kill cut short is cut off.
 *
 * @param study  what makes this study another than one with the same folder
 * @throws RangeError when the journal is damaged or another study's
 */
export async function openJournal(path: string, study: object): Promise<{ journal: Journal; lines: JournalLine[] }> {
  await mkdir(dirname(path), { recursive: true });
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
  const lines = whole
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line, at) => parseLine(path, line, at + 1));
  checkStudy(path, lines, study);

  const file = await open(path, 'a');
  if (whole.length < bytes.length) await file.truncate(whole.length);
  let size = whole.length;
  let last: Promise<unknown> = Promise.resolve(); // lines of trials that run side by side stand one after another
  const append = (line: JournalLine) => {
    const written = last.then(async () => {
      const text = Buffer.from(`${JSON.stringify(line)}\n`);
      try {
        await file.appendFile(text);
        await file.datasync();
        size += text.length;
      } catch (cause) {
        await file.truncate(size).catch(() => {}); // what is half there would run into the next line
        throw new JournalError(
          `trainers: ${path} must be writable, got ${(cause as Error).message}; mend that and start again`,
          { cause },
        );
      }
    });
    last = written.catch(() => {});
    return written;
  };
  if (lines.length === 0) await append({ event: 'study', study: { ...study } });
  return {
    journal: {
      append,
      async close() {
        await last;
        await file.close();
      },
    },
    lines,
  };
}

function parseLine(path: string, text: string, number: number): JournalLine {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new RangeError(
      `trainers: ${path}:${number} must be a line of a journal, got ${text.slice(0, 80)}; delete the folder to begin anew`,
      { cause },
    );
  }
}

function checkStudy(path: string, [first]: readonly JournalLine[], study: object): void {
  if (first === undefined) return;
  const expected = JSON.stringify(study);
  const got = first.event === 'study' ? JSON.stringify(first.study) : 'no description';
  if (got === expected) return;
  throw new RangeError(
    `trainers: ${path} must be of the study ${expected}, got ${got}; go on with that, or choose another folder`,
  );
}

/** Writes a line into what is known of trials. A report takes the place of those from its resource on: the trial began anew. */
export function applyLine(trials: Map<number, TrialRecord>, line: JournalLine): void {
  if (line.event === 'study') return;
  const known = trials.get(line.trial);
  if (line.event === 'start') {
    const { values, time: started } = line;
    trials.set(line.trial, { number: line.trial, reports: [], ...known, values, started, status: 'running' });
    return;
  }
  if (!known) {
    throw new RangeError(`trainers: trial ${line.trial} must start first, got ${line.event}; the journal is damaged`);
  }
  if (line.event === 'report') {
    const { resource, metrics } = line;
    const before = known.reports.filter((report) => report.resource < resource);
    trials.set(line.trial, { ...known, reports: [...before, { resource, metrics }] });
    return;
  }
  const { event: _, trial: __, ...end } = line;
  trials.set(line.trial, { ...known, ...(end as Pick<TrialRecord, 'status'>) });
}
