import { describe, expect, it } from 'vitest';
import { gridSize, searchPlan, searchSchema } from './index.js';

describe('searchSchema', () => {
  it('makes a plan of a config', () => {
    const config = searchSchema.parse({
      space: { l2: [100, 250, 500], training: { learningRate: ['quniform', 0.1, 0.3, 0.1] } },
      scheduler: 'asha',
      asha: { grace: 20, max: 180 },
      earlyStopping: { patience: 3 },
    });
    const { space, sampler, schedulers, trials } = searchPlan(config);
    expect(gridSize(space)).toBe(9);
    expect(sampler.name).toBe('grid');
    expect(schedulers.map(({ name }) => name)).toEqual(['asha', 'plateau']);
    expect(trials).toBe(9);
  });

  it('ends at the end of the grid, and asks for a number of trials where there is none', () => {
    const planOf = (config: object) => searchPlan(searchSchema.parse(config));
    expect(planOf({ space: { k: [1, 2, 3] }, trials: 2 }).trials).toBe(2);
    expect(planOf({ space: { k: [1, 2, 3] }, trials: 20 }).trials).toBe(3);
    expect(planOf({ space: { k: [1, 2, 3] }, trials: 20, sampler: 'random' }).trials).toBe(3);
    expect(planOf({ space: { k: 1 }, trials: 20, sampler: 'tpe' }).trials).toBe(1);
    expect(planOf({ space: { k: 1, layers: [[8, 4]] }, trials: 20, sampler: 'random' }).trials).toBe(1);
    expect(() => planOf({ space: { k: [1, 2] }, sampler: 'tpe' })).toThrow(
      'trials must be at least 1 under the sampler tpe',
    );
    expect(() => planOf({ space: { k: ['uniform', 0, 1] } })).toThrow(
      'key k must have finitely many values for a grid',
    );
    expect(() => planOf({ space: { k: 1 }, scheduler: 'asha', asha: { grace: 9, max: 3 } })).toThrow(
      '0 < grace <= max',
    );
  });

  it('names the key that is wrong', () => {
    const wrong = searchSchema.safeParse({ space: { training: { learningRate: ['uniform', 2, 1] } } });
    expect(wrong.error!.issues[0]).toMatchObject({
      path: ['space', 'training', 'learningRate'],
      message: expect.stringContaining('must have a value between min and max, got [uniform, 2, 1]'),
    });
    expect(searchSchema.safeParse({ space: {}, tirals: 3 }).error!.issues[0]).toMatchObject({ keys: ['tirals'] });
  });
});
