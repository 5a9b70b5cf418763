import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c, createEventFile } from './event-file.js';

/** Payloads of a TFRecord file; fails on a wrong checksum or a cut record. */
function decodeRecords(file: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const payload = file.subarray(at + 12, at + 12 + length);
    expect(unmask(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    expect(unmask(file.readUInt32LE(at + 12 + length))).toBe(crc32c(payload));
    payloads.push(payload);
    at += length + 16;
  }
  return payloads;
}

function unmask(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

/** Field number -> values; a value is a number (varint), or bytes. */
function decodeFields(bytes: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    let value: number | Buffer;
    if (tag % 8 === 0) value = varint();
    else {
      const size = tag % 8 === 1 ? 8 : varint();
      value = bytes.subarray(at, at + size);
      at += size;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

/** Follows field numbers down to the first value of the last one. */
function get(bytes: Buffer, ...path: number[]): Buffer {
  return path.reduce((message, number) => decodeFields(message).get(number)?.[0] as Buffer, bytes);
}
const doubles = (bytes: Buffer) => Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
const folder = () => mkdtemp(join(tmpdir(), 'event-file-'));

describe('crc32c', () => {
  it('gives the published check values', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  });
});

describe('createEventFile', () => {
  it('starts with the file version and the wall time', async () => {
    const file = createEventFile(await folder(), { now: () => 1_700_000_000_500 });
    await file.flush();
    const [first, ...rest] = decodeRecords(await readFile(file.path));
    expect(rest).toEqual([]);
    expect(get(first, 3).toString()).toBe('brain.Event:2');
    expect(doubles(get(first, 1))).toEqual([1_700_000_000.5]);
  });

  it('writes scalars as float tensors for the scalars page', async () => {
    const file = createEventFile(await folder());
    file.scalar('train/loss', 0.25, 300);
    file.scalar('train/loss', -1.5, 5_000_000_000);
    await file.flush();
    const [, first, second] = decodeRecords(await readFile(file.path));
    expect(get(first, 2)).toBe(300);
    expect(get(second, 2)).toBe(5_000_000_000);
    expect(get(first, 5, 1, 1).toString()).toBe('train/loss');
    expect(get(first, 5, 1, 9, 1, 1).toString()).toBe('scalars');
    expect(get(first, 5, 1, 9, 4)).toBe(1);
    expect(get(first, 5, 1, 8, 1)).toBe(1);
    expect(get(first, 5, 1, 8, 5).readFloatLE()).toBe(0.25);
    expect(get(second, 5, 1, 8, 5).readFloatLE()).toBe(-1.5);
  });

  it('writes text as a string tensor of one element', async () => {
    const file = createEventFile(await folder());
    file.text('config', 'clé **bold**', 0);
    await file.flush();
    const [, event] = decodeRecords(await readFile(file.path));
    expect(get(event, 5, 1, 9, 1, 1).toString()).toBe('text');
    expect(get(event, 5, 1, 8, 2, 2, 1)).toBe(1);
    expect(get(event, 5, 1, 8, 8).toString()).toBe('clé **bold**');
  });

  it('counts a histogram in thirty buckets that end at the greatest value', async () => {
    const file = createEventFile(await folder());
    file.histogram(
      'weights',
      Float32Array.from({ length: 61 }, (_, i) => i),
      1,
    );
    await file.flush();
    const [, event] = decodeRecords(await readFile(file.path));
    const field = (number: number) => doubles(get(event, 5, 1, 5, number));
    expect([1, 2, 3, 4, 5].map((number) => field(number)[0])).toEqual([0, 60, 61, 1830, 73_810]);
    expect(field(6)).toEqual(Array.from({ length: 30 }, (_, i) => 2 * (i + 1)));
    expect(field(7)).toEqual([...Array.from({ length: 29 }, () => 2), 3]);
  });

  it('puts equal values into one bucket and refuses those that are not finite', async () => {
    const file = createEventFile(await folder());
    file.histogram('equal', [3, 3], 1);
    expect(() => file.histogram('nan', [1, Number.NaN], 1)).toThrow('trainers: histogram nan must have finite values');
    expect(() => file.histogram('none', [], 1)).toThrow('trainers: histogram none must have finite values, got none');
    await file.flush();
    const [, event] = decodeRecords(await readFile(file.path));
    expect(doubles(get(event, 5, 1, 5, 6))).toEqual([3]);
    expect(doubles(get(event, 5, 1, 5, 7))).toEqual([2]);
  });

  it('appends on each flush, and adds a file of its own for each start', async () => {
    const directory = await folder();
    const first = createEventFile(join(directory, 'run'), { now: () => 0 });
    const second = createEventFile(join(directory, 'run'), { now: () => 0 });
    for (const file of [first, second, first]) {
      file.scalar('x', 1, 1);
      await file.flush();
    }
    second.start(7);
    await second.flush();
    await second.flush();
    expect((await readdir(join(directory, 'run'))).length).toBe(2);
    expect(decodeRecords(await readFile(first.path))).toHaveLength(3);
    const started = decodeRecords(await readFile(second.path))[2];
    expect([get(started, 2), get(started, 7, 1)]).toEqual([7, 1]);
  });

  it('decodes every one of a thousand records', async () => {
    const file = createEventFile(await folder());
    for (let step = 0; step < 1000; step++) file.scalar('loss', 1 / (step + 1), step);
    await file.flush();
    const events = decodeRecords(await readFile(file.path)).slice(1);
    events.forEach((event, step) => {
      expect(get(event, 2)).toBe(step);
      expect(get(event, 5, 1, 8, 5).readFloatLE()).toBe(Math.fround(1 / (step + 1)));
    });
  });
});
