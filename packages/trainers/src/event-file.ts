import { randomBytes } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A TensorBoard log. Entries wait in memory until `flush`, which is also what makes the file appear. */
export interface EventFile {
  path: string;
  scalar(tag: string, value: number, step: number): void;
  /** @throws RangeError when a value is not finite, or there is none */
  histogram(tag: string, values: ArrayLike<number>, step: number): void;
  /** Markdown. */
  text(tag: string, text: string, step: number): void;
  /**
   * Says that a process begins, with `step` as its first. Said by every process, it makes TensorBoard drop what an
   * earlier, killed one logged from that step on.
   */
  start(step: number): void;
  flush(): Promise<void>;
}

/**
 * Opens a new event file in `directory`, under a name that no other process or call takes, so that a resumed run adds a
 * file and never touches an old one. Format: TFRecord framing around protocol buffers of tensorflow/core/util/event.proto
 * and framework/summary.proto.
 *
 * @param options.now  milliseconds since 1970, for the wall time of entries
 */
export function createEventFile(directory: string, { now = Date.now }: { now?: () => number } = {}): EventFile {
  const unique = `${hostname()}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const path = join(directory, `events.out.tfevents.${Math.floor(now() / 1000)}.${unique}.v2`);
  let pending: Uint8Array[] = [];

  const write = (step: number, ...fields: Uint8Array[]) => {
    pending.push(record(concat(double(1, now() / 1000), integer(2, step), ...fields)));
  };
  const summarize = (tag: string, step: number, ...fields: Uint8Array[]) => {
    write(step, message(5, message(1, string(1, tag), ...fields)));
  };
  write(0, string(3, 'brain.Event:2'));

  return {
    path,
    scalar: (tag, value, step) =>
      summarize(
        tag,
        step,
        plugin('scalars', dataClass.scalar),
        message(8, integer(1, dtype.float), message(2), floats(5, [value])),
      ),
    histogram: (tag, values, step) => summarize(tag, step, message(5, ...histogram(tag, values))),
    text: (tag, text, step) =>
      summarize(
        tag,
        step,
        plugin('text', dataClass.tensor),
        message(8, integer(1, dtype.string), message(2, message(2, integer(1, 1))), string(8, text)),
      ),
    start: (step) => write(step, message(7, integer(1, 1))), // SessionLog, status START
    async flush() {
      const bytes = concat(...pending);
      pending = [];
      await mkdir(directory, { recursive: true });
      await appendFile(path, bytes);
    },
  };
}

/** Summary metadata that names the TensorBoard page that shows the value. */
const plugin = (name: string, kind: number) => message(9, message(1, string(1, name)), integer(4, kind));
const dataClass = { scalar: 1, tensor: 2 };
const dtype = { float: 1, string: 7 };

const numBuckets = 30;

/** The fields of a HistogramProto: 30 buckets of one width between the least and the greatest value. */
function histogram(tag: string, values: ArrayLike<number>): Uint8Array[] {
  let [low, high, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
    sum += values[i];
    squares += values[i] ** 2;
  }
  if (!Number.isFinite(squares) || values.length === 0) {
    const got = values.length === 0 ? 'none' : `a sum of squares of ${squares}`;
    throw new RangeError(`trainers: histogram ${tag} must have finite values, got ${got}; log it before it diverges`);
  }
  const width = (high - low) / numBuckets || 1;
  const counts = new Float64Array(high > low ? numBuckets : 1);
  for (let i = 0; i < values.length; i++) {
    counts[Math.min(counts.length - 1, Math.floor((values[i] - low) / width))]++;
  }
  const limits = Array.from(counts, (_, i) => (i === counts.length - 1 ? high : low + (i + 1) * width));
  return [
    double(1, low),
    double(2, high),
    double(3, values.length),
    double(4, sum),
    double(5, squares),
    doubles(6, limits),
    doubles(7, counts),
  ];
}

/** TFRecord: length, its checksum, the bytes, their checksum. */
function record(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(payload.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(payload, 12);
  view.setUint32(12 + payload.length, masked(crc32c(payload)), true);
  return bytes;
}

/** Checksums are stored rotated and shifted, so that the checksum of data that holds checksums stays telling. */
const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

const table = new Uint32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1;
  return byte;
});

/** CRC-32C (Castagnoli). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// Protocol buffer fields: a tag (number << 3 | wire type), then the value.

function varint(value: number): number[] {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}
const field = (number: number, wireType: 0 | 1 | 2, value: ArrayLike<number>) =>
  Uint8Array.from([...varint(number * 8 + wireType), ...Array.from(value)]);
const integer = (number: number, value: number) => field(number, 0, varint(value));
const bytes = (number: number, value: Uint8Array) => concat(field(number, 2, varint(value.length)), value);
const message = (number: number, ...fields: Uint8Array[]) => bytes(number, concat(...fields));
const string = (number: number, value: string) => bytes(number, new TextEncoder().encode(value));
const double = (number: number, value: number) => field(number, 1, littleEndian(8, [value]));
const doubles = (number: number, values: ArrayLike<number>) => bytes(number, littleEndian(8, values));
const floats = (number: number, values: ArrayLike<number>) => bytes(number, littleEndian(4, values));

function littleEndian(size: 4 | 8, values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(size * values.length));
  for (let i = 0; i < values.length; i++) {
    if (size === 4) view.setFloat32(4 * i, values[i], true);
    else view.setFloat64(8 * i, values[i], true);
  }
  return new Uint8Array(view.buffer);
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
