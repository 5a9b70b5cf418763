import { describe, expect, it } from 'vitest';
import { countProgress } from './count-progress.js';

/** Ten steps, one a second. */
function show(options: { isTTY?: boolean; columns?: number; total?: number; each?: number }): string[] {
  const { isTTY = false, columns = 100, total, each = 500 } = options;
  const written: string[] = [];
  let time = 0;
  const stream = { write: (text: string) => written.push(text), isTTY, columns };
  const progress = countProgress({
    ...{ label: 'bass', unit: 'step', stream, now: () => time },
    ...(total !== undefined && { total }),
  });
  for (let step = 1; step <= 10; step++) {
    time += 1000;
    progress.reach(step, { interactions: step * each });
  }
  progress.end();
  return written;
}

describe('countProgress', () => {
  it('draws a bar on a terminal', () => {
    const lines = show({ isTTY: true, total: 10 });
    expect(lines).toHaveLength(11);
    expect(lines[4]).toContain(
      'bass ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌ step 5 of 10 (50 %), 1.00 steps/s, 500 interactions/s, 5s left',
    );
    expect(lines[10]).toBe('\r\x1b[Kbass: 10 steps in 10s, 500 interactions/s\n');
  });

  it.each([0, 60])('fits a terminal of %i columns, 0 being taken for 80', (columns) => {
    for (const line of show({ isTTY: true, columns, total: 10 }).slice(0, -1)) {
      expect(line.replace('\r\x1b[K', '')).toHaveLength((columns || 80) - 1);
    }
  });

  it('writes a line every few seconds elsewhere', () => {
    expect(show({ total: 10 }).map((line) => line.split(',')[0])).toEqual([
      'bass: step 5 of 10 (50 %)',
      'bass: step 10 of 10 (100 %)',
      'bass: 10 steps in 10s',
    ]);
  });

  it('shows neither share nor time left where the end is not known', () => {
    expect(show({ each: 12_345 })[0]).toBe('bass: step 5, 1.00 steps/s, 12,300 interactions/s\n');
  });

  it('counts anything', () => {
    const written: string[] = [];
    let time = 0;
    const stream = { write: (text: string) => written.push(text) };
    const progress = countProgress({ label: 'sticky', unit: 'session', total: 30_000, stream, now: () => time });
    progress.reach(0);
    time = 8000;
    progress.reach(10_000);
    time = 24_000;
    progress.end();
    expect(written).toEqual([
      'sticky: session 10000 of 30000 (33 %), 1,250 sessions/s, 16s left\n',
      'sticky: 10000 sessions in 24s\n',
    ]);
  });
});
