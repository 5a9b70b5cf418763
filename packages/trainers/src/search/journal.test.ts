import { appendFile, mkdtemp, open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { applyLine, JournalError, type JournalLine, openJournal, type TrialRecord } from './journal.js';

const start: JournalLine = { event: 'start', trial: 0, values: { x: 1 }, time: 5 };
const report = (resource: number, score = resource): JournalLine => ({
  event: 'report',
  trial: 0,
  resource,
  metrics: { score },
});

describe('openJournal', () => {
  it('gives back what was appended, without the line that a kill cut short', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'journal-')), 'journal.jsonl');
    const first = await openJournal(path, { seed: 1 });
    await Promise.all([start, report(1)].map(first.journal.append));
    await first.journal.close();
    await appendFile(path, '{"event":"report","tri');

    const second = await openJournal(path, { seed: 1 });
    expect(second.lines).toEqual([{ event: 'study', study: { seed: 1 } }, start, report(1)]);
    await second.journal.append(report(2));
    await second.journal.close();
    const text = await readFile(path, 'utf8');
    expect(text.split('\n').slice(1, -1)).toEqual([start, report(1), report(2)].map((line) => JSON.stringify(line)));
  });
});

describe('applyLine', () => {
  const replay = (...lines: JournalLine[]) => {
    const trials = new Map<number, TrialRecord>();
    for (const line of lines) applyLine(trials, line);
    return trials.get(0)!;
  };

  it('takes back reports from the resource on that a trial begins anew at', () => {
    const { reports } = replay(start, report(1), report(2), report(3), start, report(2, 9));
    expect(reports.map(({ resource, metrics }) => [resource, metrics.score])).toEqual([
      [1, 1],
      [2, 9],
    ]);
  });

  it('knows how a trial ended', () => {
    const ended = replay(start, { event: 'end', trial: 0, status: 'failed', seconds: 2, error: 'no' });
    expect(ended).toMatchObject({ number: 0, status: 'failed', seconds: 2, error: 'no', values: { x: 1 } });
  });

  it('refuses a report of a trial that never started', () => {
    expect(() => replay(report(1))).toThrow('trial 0 must start first, got report');
  });
});

it('takes back what could not be written whole, and says so', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'journal-')), 'journal.jsonl');
  const { journal } = await openJournal(path, {});
  const probe = await open(path, 'r');
  await probe.close();
  const datasync = vi.spyOn(Object.getPrototypeOf(probe), 'datasync').mockRejectedValueOnce(new Error('ENOSPC'));
  const line = { event: 'report', trial: 0, resource: 1, metrics: { a: 1 } } as const;
  await expect(journal.append(line)).rejects.toThrow(JournalError);
  datasync.mockRestore();
  await journal.append({ event: 'start', trial: 0, values: {}, time: 1 });
  await journal.append(line);
  await journal.close();
  const { lines } = await openJournal(path, {});
  expect(lines.map(({ event }) => event)).toEqual(['study', 'start', 'report']);
});
