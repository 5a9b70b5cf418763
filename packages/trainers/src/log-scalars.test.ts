import { appendFile, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventFile } from './event-file.js';
import type { FitState } from './fit.js';
import { logScalars } from './log-scalars.js';

function createLog(file: string) {
  const written: string[] = [];
  const events: EventFile = {
    path: '',
    scalar: (tag, value, step) => written.push(`${tag} ${value} at ${step}`),
    histogram: () => {},
    text: () => {},
    start: (step) => written.push(`start at ${step}`),
    flush: async () => {},
  };
  return { written, callback: logScalars<never>({ events, file, every: 2 }) };
}
const stateAt = (step: number) => ({ step, epoch: 0, batch: step, validations: [] }) as unknown as FitState<never>;
const step = (state: FitState<never>) =>
  ({ kind: 'step', state, loss: 10 - state.step, metrics: { mse: 0.5 }, learningRate: 0.1, gradientNorm: 2 }) as const;
const createFile = async () => join(await mkdtemp(join(tmpdir(), 'log-')), 'logs', 'metrics.jsonl');
const lines = async (file: string) => (await readFile(file, 'utf8')).trimEnd().split('\n');

describe('logScalars', () => {
  it('logs each n-th step and each validation to both places', async () => {
    const file = await createFile();
    const { written, callback } = createLog(file);
    const state = stateAt(0);
    await callback({ kind: 'start', state });
    for (state.step = 1; state.step <= 3; state.step++) await callback(step(state));
    state.validations.push({ step: 3, epoch: 1, metrics: { 'recall@10': 0.25 } });
    await callback({ kind: 'epoch', state });
    await callback({ kind: 'end', state });
    expect(written).toEqual([
      'start at 1',
      'train/loss 8 at 2',
      'train/learningRate 0.1 at 2',
      'train/gradientNorm 2 at 2',
      'train/mse 0.5 at 2',
      'validation/recall@10 0.25 at 3',
    ]);
    expect(await lines(file)).toEqual([
      '{"step":2,"epoch":0,"loss":8,"learningRate":0.1,"gradientNorm":2,"mse":0.5}',
      '{"step":3,"epoch":1,"validation":{"recall@10":0.25}}',
    ]);
  });

  it('writes the lines of an undisturbed run after a kill', async () => {
    const run = async (file: string, state: FitState<never>, until: number) => {
      const { callback } = createLog(file);
      await callback({ kind: 'start', state });
      while (state.step < until) {
        state.step++;
        if (state.step % 4 === 0)
          state.validations.push({ step: state.step, epoch: 0, metrics: { recall: state.step } });
        await callback(step(state));
      }
    };
    const [whole, killed] = [await createFile(), await createFile()];
    await run(whole, stateAt(0), 12);
    await run(killed, stateAt(0), 9);
    await appendFile(killed, '{"step":9,"lo');
    // The checkpoint dates from before the validation at step 4.
    await run(killed, stateAt(3), 12);
    expect(await lines(killed)).toEqual(await lines(whole));
  });
});
