import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, tf } from '@codebeam/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import { bestValidations, earlyStopping, every, keepCheckpoints, validate } from './callbacks.js';
import { listCheckpoints, loadCheckpoint } from './checkpoint.js';
import type { Callback, FitEvent, FitState, Validation } from './fit.js';

type None = { w: tf.Tensor };
beforeAll(async () => {
  await selectBackend('cpu');
});

const validationsOf = (...values: number[]): Validation[] =>
  values.map((value, i) => ({ step: 10 * (i + 1), epoch: i, metrics: { recall: value } }));
const stateOf = (more: Partial<FitState<None>> = {}): FitState<None> => ({
  params: { w: tf.scalar(1) },
  optimizer: {},
  step: 0,
  epoch: 0,
  batch: 0,
  validations: [],
  ...more,
});
const stepOf = (state: FitState<None>): FitEvent<None> => ({
  kind: 'step',
  state,
  loss: 1,
  metrics: {},
  learningRate: 1,
  gradientNorm: 1,
});

describe('every', () => {
  const heard = async (callback: (record: Callback<None>) => Callback<None>) => {
    const events: string[] = [];
    const call = callback(
      ({ kind, state }) => void events.push(`${kind} ${state[kind === 'epoch' ? 'epoch' : 'step']}`),
    );
    for (let step = 1; step <= 7; step++) {
      const state = stateOf({ step, epoch: step });
      await call(stepOf(state));
      await call({ kind: 'epoch', state });
    }
    await call({ kind: 'end', state: stateOf({ step: 7 }) });
    return events;
  };

  it('calls back at each n-th step, or epoch, and at the end', async () => {
    expect(await heard((record) => every(3, record))).toEqual(['step 3', 'step 6', 'end 7']);
    expect(await heard((record) => every(4, record, 'epoch'))).toEqual(['epoch 4', 'end 7']);
  });

  it('refuses an interval of zero', () => {
    expect(() => every(0, () => {})).toThrow(
      'trainers: interval must be an integer of at least 1, got 0; count in steps',
    );
  });
});

describe('validate', () => {
  it('records what it measures at the interval, and once at the end', async () => {
    const callback = validate<None>({ every: 2, unit: 'step', evaluate: async () => ({ recall: 0.5 }) });
    const state = stateOf();
    await callback({ kind: 'end', state }); // nothing trained, nothing to validate
    for (const step of [1, 2, 3]) {
      state.step = step;
      await callback(stepOf(state));
    }
    await callback({ kind: 'end', state });
    await callback({ kind: 'end', state });
    expect(state.validations).toEqual([
      { step: 2, epoch: 0, metrics: { recall: 0.5 } },
      { step: 3, epoch: 0, metrics: { recall: 0.5 } },
    ]);
  });

  it('refuses a metric that is not finite', async () => {
    const callback = validate<None>({ every: 1, unit: 'step', evaluate: async () => ({ recall: Number.NaN }) });
    await expect(callback(stepOf(stateOf({ step: 8 })))).rejects.toThrow(
      'trainers: validation metric recall must be finite, got NaN at step 8; check the evaluation',
    );
  });
});

describe('earlyStopping', () => {
  const verdict = (values: number[], patience: number, mode: 'min' | 'max' = 'max') =>
    earlyStopping<None>({ metric: 'recall', mode, patience })({
      kind: 'start',
      state: stateOf({ validations: validationsOf(...values) }),
    });

  it('stops after so many validations without a new best', () => {
    expect(verdict([1, 3, 2], 2)).toBeUndefined();
    expect(verdict([1, 3, 2, 2.9], 2)).toBe('stop');
    expect(verdict([3, 1, 2], 2, 'min')).toBeUndefined();
    expect(verdict([1, 2, 3], 2, 'min')).toBe('stop');
  });

  it('does not take an equal value for a new best', () => {
    expect(verdict([3, 3, 3], 2)).toBe('stop');
  });

  it('goes on without validations, and always with a patience of 0', () => {
    expect(verdict([], 1)).toBeUndefined();
    expect(verdict([3, 2, 1, 0], 0)).toBeUndefined();
  });

  it('names the metrics there are when it finds no such one', () => {
    expect(() =>
      earlyStopping<None>({ metric: 'ndcg', mode: 'max', patience: 1 })({
        kind: 'start',
        state: stateOf({ validations: validationsOf(1) }),
      }),
    ).toThrow('trainers: metric must be one of recall at step 10, got ndcg; correct its name');
  });
});

describe('bestValidations', () => {
  it('puts the best first and the earlier before its equal', () => {
    const steps = (mode: 'min' | 'max') =>
      bestValidations(validationsOf(2, 5, 1, 5), 3, { metric: 'recall', mode }).map(({ step }) => step);
    expect(steps('max')).toEqual([20, 40, 10]);
    expect(steps('min')).toEqual([30, 10, 20]);
  });
});

describe('keepCheckpoints', () => {
  const run = async (best?: { metric: string; mode: 'min' | 'max'; k: number }) => {
    const directory = await mkdtemp(join(tmpdir(), 'keep-'));
    const callback = keepCheckpoints<None>({
      directory,
      configHash: 'abc',
      every: 30,
      unit: 'step',
      ...(best && { best }),
    });
    const state = stateOf();
    const kept: number[][] = [];
    await callback({ kind: 'start', state });
    const values = [5, 1, 2, 9, 3, 4, 4.5];
    for (const value of values) {
      state.step += 10;
      state.validations.push({ step: state.step, epoch: 0, metrics: { recall: value } });
      await callback(stepOf(state));
      kept.push(await listCheckpoints(directory));
    }
    await callback({ kind: 'end', state });
    kept.push(await listCheckpoints(directory));
    return { kept, directory };
  };

  it('keeps the k best and the last two', async () => {
    const { kept } = await run({ metric: 'recall', mode: 'max', k: 2 });
    // Saved: 10 and 20 (best), 30 (best, due), 40 (best), 60 (due), 70 (end). Best in the end: 40 and 10.
    expect(kept).toEqual([
      [10],
      [20, 10],
      [30, 20, 10],
      [40, 30, 10],
      [40, 30, 10],
      [60, 40, 10],
      [60, 40, 10],
      [70, 60, 40, 10],
    ]);
  });

  it('keeps the last two when none is to be the best', async () => {
    const { kept, directory } = await run();
    expect(kept.at(-1)).toEqual([70, 60]);
    const state = await loadCheckpoint(join(directory, 'step-00000070.safetensors'), { w: tf.scalar(0) }, 'abc');
    expect(state.validations).toHaveLength(7);
  });

  it('saves again when the epoch has been completed since', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keep-'));
    const callback = keepCheckpoints<None>({ directory, configHash: 'abc', every: 1, unit: 'step' });
    const state = stateOf({ step: 3, batch: 3 });
    await callback(stepOf(state));
    Object.assign(state, { epoch: 1, batch: 0 });
    await callback({ kind: 'end', state });
    const path = join(directory, 'step-00000003.safetensors');
    expect(await loadCheckpoint(path, { w: tf.scalar(0) }, 'abc')).toMatchObject({ epoch: 1, batch: 0 });
  });
});
