import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { trainingPlan, trainingSchema } from './training-config.js';

describe('trainingSchema', () => {
  it('has a default and a description for every knob', () => {
    const config = trainingSchema.parse({});
    expect(config).toMatchObject({
      maxEpochs: 100,
      learningRate: 1e-3,
      saveTopK: 3,
      earlyStoppingPatience: 10,
      seed: 42,
    });
    expect(config.schedule).toEqual({ name: 'constant', warmupSteps: 0, holdSteps: 0 });
    const { properties } = z.toJSONSchema(trainingSchema, { io: 'input' });
    for (const [name, property] of Object.entries(properties ?? {})) {
      if (name !== 'schedule') expect((property as { description?: string }).description, name).toBeTruthy();
    }
  });

  it('refuses unknown keys and values that nothing can do', () => {
    const errors = (config: object) => z.prettifyError(trainingSchema.safeParse(config).error!);
    expect(errors({ learningrate: 1 })).toContain('Unrecognized key: "learningrate"');
    expect(errors({ precision: 'float16' })).toContain('expected one of "float32"|"bfloat16"');
    expect(errors({ deterministic: false })).toContain('must be true');
    expect(errors({ schedule: { name: 'step' } })).toContain('schedule.name');
    expect(errors({ version: '../up' })).toContain('version must consist of letters');
    expect(errors({ batchSize: 0 })).toContain('batchSize');
  });
});

describe('trainingPlan', () => {
  const plan = (config: object, batches: number) => trainingPlan(trainingSchema.parse(config), batches);

  it('counts steps per epoch after accumulation', () => {
    expect(plan({ maxEpochs: 3, accumulate: 4 }, 10).totalSteps).toBe(9);
    expect(plan({ maxEpochs: 3, maxSteps: 5 }, 10).totalSteps).toBe(5);
    expect(plan({ maxEpochs: 0, maxSteps: 200_000 }, 10)).toMatchObject({ totalSteps: 200_000, maxSteps: 200_000 });
  });

  it('leaves out what is off', () => {
    expect(plan({ gradientClip: 0 }, 10)).not.toHaveProperty('clipNorm');
    expect(plan({}, 10)).toMatchObject({ clipNorm: 1, epochs: 100, accumulate: 1, seed: 42 });
    expect(plan({}, 10)).not.toHaveProperty('maxSteps');
  });

  it('lets the schedule end with the run', () => {
    const at = (name: string, ...steps: number[]) =>
      steps.map(plan({ maxEpochs: 2, schedule: { name, warmupSteps: 4, holdSteps: 8 } }, 10).schedule);
    expect(at('constant', 4, 20)).toEqual([1, 1]);
    expect(at('linear', 2, 12, 20)).toEqual([0.5, 0.5, 0]);
    expect(at('cosine', 4, 20)).toEqual([1, 0]);
    expect(at('inverse-sqrt', 8, 32)).toEqual([1, 0.5]);
  });

  it('warms up over a tenth of a run that the warm-up does not fit into, whatever the schedule', () => {
    for (const name of ['constant', 'linear', 'cosine', 'inverse-sqrt']) {
      const schedule = (warmupSteps: number, totalSteps = 30) =>
        plan({ maxEpochs: 0, maxSteps: totalSteps, schedule: { name, warmupSteps } }, 10).schedule;
      for (const tooLong of [30, 50]) {
        expect([1, 2, 3, 4, 30].map(schedule(tooLong))).toEqual([1, 2, 3, 4, 30].map(schedule(3)));
        expect(schedule(tooLong)(3)).toBe(1);
      }
      expect(schedule(29)(14)).toBe(14 / 29);
      expect(schedule(50, 5)(1)).toBe(schedule(0, 5)(1));
    }
  });

  it('takes the base rate of the optimizer from the config', () => {
    expect(plan({ optimizer: 'adagrad', learningRate: 0.4 }, 1).optimizer.learningRate).toBe(0.4);
    expect(plan({ learningRate: 0.01 }, 1).optimizer.learningRate).toBe(0.01);
  });

  it('refuses a run without an end', () => {
    expect(() => plan({ maxEpochs: 0 }, 10)).toThrow(
      'trainers: maxEpochs or maxSteps must be positive, got 0 for both',
    );
  });
});
