import { describe, expect, it } from 'vitest';
import type { FitState } from './fit.js';
import { progress } from './progress.js';

/** A run of 1,000 steps at 4 steps per second, with a validation after step 200. */
function show(options: { isTTY?: boolean; columns?: number; totalSteps?: number; from?: number }): string[] {
  const written: string[] = [];
  let time = 5000;
  const { isTTY, columns, totalSteps, from = 0 } = options;
  const stream = {
    write: (text: string) => written.push(text),
    ...(isTTY && { isTTY }),
    ...(columns !== undefined && { columns }),
  };
  const callback = progress<never>({
    label: 'train-tiger',
    stream,
    now: () => time,
    ...(totalSteps && { totalSteps }),
  });
  const state = { step: from, validations: [] } as unknown as FitState<never>;
  callback({ kind: 'start', state });
  while (state.step < 1000) {
    state.step++;
    time += 250;
    callback({ kind: 'step', state, loss: 2.345678, metrics: {}, learningRate: 1, gradientNorm: 1 });
    if (state.step === 200) {
      state.validations.push({ step: 200, epoch: 1, metrics: { 'recall@10': 0.03125 } });
      callback({ kind: 'epoch', state });
    }
  }
  callback({ kind: 'end', state });
  return written;
}

describe('progress', () => {
  it('writes a plain line every five seconds where there is no terminal', () => {
    const lines = show({ totalSteps: 1000 });
    expect(lines[0]).toBe('train-tiger: step 20 of 1000 (2 %), 4.00 steps/s, 4m 05s left, loss 2.346\n');
    expect(lines).toHaveLength(50 + 2);
    expect(lines[10]).toBe('train-tiger: validation at step 200: recall@10 0.03125\n');
    expect(lines.at(-1)).toBe('train-tiger: 1000 steps in 4m 10s, now at step 1000\n');
  });

  it('shows the metric that counts and three more of a validation that has dozens', () => {
    const written: string[] = [];
    const callback = progress<never>({ label: 'x', metric: 'd', stream: { write: (text) => written.push(text) } });
    const metrics = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 };
    const state = { step: 0, validations: [] } as unknown as FitState<never>;
    callback({ kind: 'start', state });
    state.validations.push({ step: 1, epoch: 1, metrics });
    callback({ kind: 'epoch', state });
    expect(written).toEqual(['x: validation at step 1: d 4.000, a 1.000, b 2.000, c 3.000, 2 more\n']);
  });

  it('draws a bar on a terminal that fits its width', () => {
    const written = show({ isTTY: true, columns: 60, totalSteps: 1000 });
    expect(written[499]).toContain(`\r\x1b[Ktrain-tiger ${'━'.repeat(12)}${'╌'.repeat(12)} step 499 of 1000`);
    for (const text of written) expect(text.replace('\r\x1b[K', '').length).toBeLessThanOrEqual(60);
    expect(written.filter((text) => text.endsWith('\n'))).toHaveLength(2);
  });

  it('takes a terminal of 0 columns for one of 80', () => {
    for (const text of show({ isTTY: true, columns: 0, totalSteps: 1000 })) {
      expect(text).not.toMatch(/NaN|Infinity/);
      expect(text.replace('\r\x1b[K', '').trimEnd().length).toBeLessThanOrEqual(79);
    }
  });

  it('shows neither share nor time left where the end is not known', () => {
    expect(show({})[0]).toBe('train-tiger: step 20, 4.00 steps/s, loss 2.346\n');
  });

  it('counts the rate from where the run continues', () => {
    const lines = show({ totalSteps: 1000, from: 500 });
    expect(lines[0]).toBe('train-tiger: continues after step 500\n');
    expect(lines[1]).toBe('train-tiger: step 520 of 1000 (52 %), 4.00 steps/s, 2m 00s left, loss 2.346\n');
    expect(lines.at(-1)).toBe('train-tiger: 500 steps in 2m 05s, now at step 1000\n');
  });
});
