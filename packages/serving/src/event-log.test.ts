import { appendFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionEvent } from '@codebeam/simulation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventLog } from './event-log.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const event = (track: number): SessionEvent => ({
  message: 'next',
  timestamp: 1_700_000_000_000 + track,
  user: 7,
  track,
  time: 0.5,
  latency: 0.001,
  recommendation: 3,
  experiments: { AA: 'T1' },
});
const read = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const tracksOf = (files: readonly string[]) => files.flatMap(read).map(({ track }) => track);

describe('the event log', () => {
  it('has an event in the file when it says so, as one line', async () => {
    const log = await openEventLog(join(folder, 'plain', 'deep'));
    await log.append(event(1));
    expect(read(log.files[0])).toEqual([event(1)]);
    const all = Array.from({ length: 200 }, (_, i) => log.append(event(i + 2)));
    await all[150];
    expect(tracksOf(log.files)).toContain(152);
    await log.close();
    expect(tracksOf(log.files)).toEqual(Array.from({ length: 201 }, (_, i) => i + 1));
    await expect(log.append(event(0))).rejects.toThrow('must be open');
  });

  it('puts files aside when they are full, and keeps so many', async () => {
    const bytes = Buffer.byteLength(`${JSON.stringify(event(1))}\n`);
    const at = join(folder, 'rotated');
    const log = await openEventLog(at, { maxBytes: 2 * bytes, maxFiles: 2 });
    for (let track = 1; track <= 9; track++) await log.append(event(track));
    expect(tracksOf(log.files)).toEqual([5, 6, 7, 8, 9]);
    await log.close();
    expect(readdirSync(at).sort()).toEqual(['data.json', 'data.json.1', 'data.json.2']);
    const again = await openEventLog(at, { maxBytes: 2 * bytes, maxFiles: 3 });
    for (const track of [1, 2]) await again.append(event(track));
    expect(tracksOf(again.files)).toEqual([5, 6, 7, 8, 9, 1, 2]);
    await again.close();
  });

  it('goes on where files that were put aside have been taken away', async () => {
    const bytes = Buffer.byteLength(`${JSON.stringify(event(1))}\n`);
    const at = join(folder, 'archived');
    const log = await openEventLog(at, { maxBytes: bytes, maxFiles: 3 });
    for (const track of [1, 2, 3]) await log.append(event(track));
    renameSync(join(at, 'data.json.1'), join(folder, 'archive.json'));
    expect(tracksOf(log.files)).toEqual([1, 3]);
    for (const track of [4, 5]) await log.append(event(track));
    expect(tracksOf(log.files)).toEqual([1, 3, 4, 5]);
    await log.close();
  });

  it('fills the gap that a crash between two renames left, and overwrites nothing', async () => {
    const bytes = Buffer.byteLength(`${JSON.stringify(event(1))}\n`);
    const at = join(folder, 'gap');
    const options = { maxBytes: bytes, maxFiles: 5 };
    const log = await openEventLog(at, options);
    for (const track of [1, 2, 3, 4]) await log.append(event(track));
    await log.close();
    renameSync(join(at, 'data.json.3'), join(at, 'data.json.4'));
    const again = await openEventLog(at, options);
    for (const track of [5, 6]) await again.append(event(track));
    expect(tracksOf(again.files)).toEqual([1, 2, 3, 4, 5, 6]);
    await again.close();
  });

  it.each([
    ['a line cut short', '{"message":"next","ti'],
    ['a long line cut short', `{"message":"${'x'.repeat(200_000)}`],
  ])('cuts off %s at start, and goes on after the last whole one', async (name, torn) => {
    const at = join(folder, name.replaceAll(' ', '-'));
    const log = await openEventLog(at);
    await log.append(event(1));
    await log.close();
    appendFileSync(join(at, 'data.json'), torn);
    const again = await openEventLog(at);
    await again.append(event(2));
    await again.close();
    expect(tracksOf([join(at, 'data.json')])).toEqual([1, 2]);
  });

  it('is empty again where nothing but a torn line was there', async () => {
    const at = join(folder, 'torn');
    await (await openEventLog(at)).close();
    appendFileSync(join(at, 'data.json'), '{"mess');
    await (await openEventLog(at)).close();
    expect(readFileSync(join(at, 'data.json'), 'utf8')).toBe('');
  });
});
