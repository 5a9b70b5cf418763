import { type Column, readLines, writeFileAtomically, writeParquet } from '@codebeam/data';
import { z } from 'zod';
import { parseLine } from './catalogue.js';

/** A line of the service's log: what somebody has played, and what was recommended next. */
export interface SessionEvent {
  /** `last` ends a session. */
  message: 'next' | 'last';
  /** Unix milliseconds. */
  timestamp: number;
  user: number;
  track: number;
  /** Share of the track that was listened to. */
  time: number;
  /** Seconds that the recommendation took. */
  latency: number;
  recommendation: number | null;
  /** Treatment by experiment: C, T1, T2 ... */
  experiments: Readonly<Record<string, string>>;
}

/** Events as columns; a user's stand in the order in which they happened. */
export interface EventLog {
  /** 1 for `last`. */
  isLast: Uint8Array;
  /** Unix milliseconds. */
  timestamps: Float64Array;
  users: Int32Array;
  tracks: Int32Array;
  times: Float64Array;
  /** Seconds. */
  latencies: Float64Array;
  /** -1 for none. */
  recommendations: Int32Array;
  /** Number of the treatment by experiment, 0 the control; -1 where an event is not part of the experiment. */
  experiments: Readonly<Record<string, Int8Array>>;
}

/** `C` for the control, `T1`, `T2` ... for the others. */
export function treatmentName(number: number): string {
  return number === 0 ? 'C' : `T${number}`;
}

/** {@link treatmentName} turned round. */
export function treatmentNumber(name: string): number {
  return name === 'C' ? 0 : Number(name.slice(1));
}

/** Collects events one after another. */
export function collectEvents() {
  let length = 0;
  let log: EventLog = emptyLog(1024, []);
  const columns = () => [log, log.experiments].flatMap((record) => Object.values(record)).filter(ArrayBuffer.isView);

  function reserve(): void {
    if (length < log.users.length) return;
    const larger = emptyLog(2 * length, Object.keys(log.experiments));
    const from = columns();
    log = larger;
    for (const [at, column] of columns().entries()) (column as Int32Array).set(from[at] as Int32Array);
  }
  function columnOf(experiment: string): Int8Array {
    const known = log.experiments[experiment];
    if (known) return known;
    const column = new Int8Array(log.users.length).fill(-1);
    log = { ...log, experiments: { ...log.experiments, [experiment]: column } };
    return column;
  }
  return {
    /** @param treatments  number of the treatment by experiment */
    add(event: Omit<SessionEvent, 'experiments'>, treatments: Readonly<Record<string, number>>): void {
      reserve();
      log.isLast[length] = event.message === 'last' ? 1 : 0;
      log.timestamps[length] = event.timestamp;
      log.users[length] = event.user;
      log.tracks[length] = event.track;
      log.times[length] = event.time;
      log.latencies[length] = event.latency;
      log.recommendations[length] = event.recommendation ?? -1;
      for (const experiment in treatments) columnOf(experiment)[length] = treatments[experiment];
      length++;
    },
    finish: (): EventLog =>
      selectEvents(
        log,
        Int32Array.from({ length }, (_, row) => row),
      ),
  };
}

/** Some events, in the order given. */
export function selectEvents(log: EventLog, rows: Int32Array): EventLog {
  const pick = <A extends Uint8Array | Int8Array | Int32Array | Float64Array>(column: A): A => {
    const picked = new (column.constructor as new (length: number) => A)(rows.length);
    for (let row = 0; row < rows.length; row++) picked[row] = column[rows[row]];
    return picked;
  };
  return {
    isLast: pick(log.isLast),
    timestamps: pick(log.timestamps),
    users: pick(log.users),
    tracks: pick(log.tracks),
    times: pick(log.times),
    latencies: pick(log.latencies),
    recommendations: pick(log.recommendations),
    experiments: Object.fromEntries(Object.entries(log.experiments).map(([name, column]) => [name, pick(column)])),
  };
}

/** One event of a log. */
export function eventAt(log: EventLog, row: number): SessionEvent {
  const experiments: Record<string, string> = {};
  for (const name in log.experiments) {
    const number = log.experiments[name][row];
    if (number >= 0) experiments[name] = treatmentName(number);
  }
  return {
    message: log.isLast[row] === 1 ? 'last' : 'next',
    timestamp: log.timestamps[row],
    user: log.users[row],
    track: log.tracks[row],
    time: log.times[row],
    latency: log.latencies[row],
    recommendation: log.recommendations[row] < 0 ? null : log.recommendations[row],
    experiments,
  };
}

/** Writes a log as the service does: one JSON object a line. */
export async function writeEventLines(file: string, log: EventLog): Promise<void> {
  await writeFileAtomically(file, chunks(log));
}

const rowsPerChunk = 4096;

function* chunks(log: EventLog): Generator<Buffer> {
  for (let start = 0; start < log.users.length; start += rowsPerChunk) {
    let text = '';
    const end = Math.min(log.users.length, start + rowsPerChunk);
    for (let row = start; row < end; row++) text += `${JSON.stringify(eventAt(log, row))}\n`;
    yield Buffer.from(text);
  }
}

/** Users and tracks are kept as 32 bit numbers. */
const number = z
  .int()
  .nonnegative()
  .lt(2 ** 31);

export const sessionEventSchema = z.object({
  message: z.enum(['next', 'last']),
  timestamp: z.number(),
  user: number,
  track: number,
  time: z.number(),
  latency: z.number(),
  recommendation: number.nullish(),
  experiments: z.record(z.string(), z.string().regex(/^(C|T[1-9]\d?)$/)).default({}),
});

/**
 * Reads logs of one or several services, plain or gzip, into one: events in the order of their timestamps. A file's last line may be
 * half of one, as a service writes it at this moment or was killed while it did: it is left out.
 *
 * @throws RangeError naming file and line of what is no event
 */
export async function readEventLines(files: readonly string[]): Promise<EventLog> {
  const events = collectEvents();
  for (const file of files) {
    let torn: Error | undefined;
    for await (const { number, text } of readLines(file)) {
      if (torn) throw torn;
      if (text.trim() === '') continue;
      let line: z.output<typeof sessionEventSchema>;
      try {
        line = parseLine(sessionEventSchema, file, number, text);
      } catch (error) {
        if (!((error as Error).cause instanceof SyntaxError)) throw error;
        torn = error as Error;
        continue;
      }
      const { experiments, recommendation = null, ...event } = line;
      const treatments = Object.entries(experiments).map(([name, treatment]) => [name, treatmentNumber(treatment)]);
      events.add({ ...event, recommendation }, Object.fromEntries(treatments));
    }
  }
  const log = events.finish();
  const { timestamps } = log;
  return selectEvents(
    log,
    Int32Array.from(timestamps.keys()).sort((a, b) => timestamps[a] - timestamps[b] || a - b),
  );
}

/** Writes a log as a table: a row an event, a column an experiment. A recommendation of -1 is none. */
export async function writeEventTable(file: string, log: EventLog): Promise<void> {
  await writeParquet(file, {
    message: { type: 'string', values: Array.from(log.isLast, (last) => (last ? 'last' : 'next')) },
    timestamp: { type: 'timestamp', values: log.timestamps.map((milliseconds) => milliseconds / 1000) },
    user: { type: 'int32', values: log.users },
    track: { type: 'int32', values: log.tracks },
    time: { type: 'double', values: log.times },
    latency: { type: 'double', values: log.latencies },
    recommendation: { type: 'int32', values: log.recommendations },
    ...treatmentColumns(log.experiments),
  });
}

/** The treatment in each experiment, in words. */
export function treatmentColumns(experiments: Readonly<Record<string, Int8Array>>): Record<string, Column> {
  return Object.fromEntries(
    Object.entries(experiments).map(([name, numbers]) => [
      `experiment_${name}`,
      { type: 'string', values: Array.from(numbers, (number) => (number < 0 ? null : treatmentName(number))) },
    ]),
  );
}

function emptyLog(length: number, experiments: readonly string[]): EventLog {
  return {
    isLast: new Uint8Array(length),
    timestamps: new Float64Array(length),
    users: new Int32Array(length),
    tracks: new Int32Array(length),
    times: new Float64Array(length),
    latencies: new Float64Array(length),
    recommendations: new Int32Array(length),
    experiments: Object.fromEntries(experiments.map((name) => [name, new Int8Array(length).fill(-1)])),
  };
}
