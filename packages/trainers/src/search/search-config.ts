import { z } from 'zod';
import { energySchema } from './energy-estimate.js';
import type { StudyOptions } from './run-study.js';
import { gridSampler, randomSampler, type Sampler } from './sampler.js';
import { asha, type Scheduler, stopOnPlateau } from './scheduler.js';
import { gridSize, isFiniteSpace, searchSpaceSchema } from './search-space.js';
import { tpeSampler } from './tpe-sampler.js';

const count = z.int().nonnegative();

/** The knobs of a search, as a config file has them; what is to be off has the value 0. Unknown keys are errors. */
export const searchSchema = z.strictObject({
  space: searchSpaceSchema.describe(
    'options by key: [uniform, 1e-4, 1e-2] and the like, lists as grids, scalars as they are',
  ),
  sampler: z.enum(['grid', 'random', 'tpe']).default('grid').describe('what proposes trials'),
  trials: count.default(0).describe('trials in all; 0: as many as the grid has'),
  scheduler: z.enum(['fifo', 'asha']).default('fifo').describe('fifo: each trial runs to its end'),
  asha: z
    .strictObject({
      grace: z.number().positive().default(1).describe('resource before which no trial is stopped'),
      factor: z.number().gt(1).default(3).describe('one trial in so many goes on from a rung'),
      max: z.number().positive().default(100).describe('resource at which every trial ends'),
    })
    .prefault({}),
  earlyStopping: z
    .strictObject({
      patience: count.default(0).describe('reports in a row without a new best after which a trial ends; 0: never'),
      minDelta: z.number().nonnegative().default(0).describe('how much better a new best has to be'),
      grace: z.number().nonnegative().default(0).describe('resource before which no trial is stopped'),
    })
    .prefault({}),
  refit: z
    .enum(['median', 'mean', 'min', 'max'])
    .default('median')
    .describe('under cross-validation: which of the best iterations of the folds the last fit is given'),
  metric: z.string().min(1).default('ndcg@10').describe('of the validation part'),
  mode: z.enum(['max', 'min']).default('max'),
  concurrency: z.int().positive().default(1).describe('trials at a time, which share the cores'),
  seed: count.default(42).describe('of proposals and of every training'),
  energy: energySchema.prefault({}),
});

export type SearchConfig = z.output<typeof searchSchema>;

/**
 * What `runStudy` takes from the config. Where nothing is to be chosen there is one trial.
 *
 * @throws RangeError when a range is to be a grid, there is no number of trials, or ASHA's bounds make no sense
 */
export function searchPlan(config: SearchConfig) {
  const { space, metric, mode, seed, energy, trials, scheduler, earlyStopping } = config;
  const sampler: Sampler = { grid: gridSampler, random: randomSampler, tpe: tpeSampler }[config.sampler]();
  const size = config.sampler === 'grid' || isFiniteSpace(space) ? gridSize(space) : Infinity;
  if (trials === 0 && config.sampler !== 'grid' && size > 1) {
    throw new RangeError(
      `trainers: trials must be at least 1 under the sampler ${config.sampler}, got 0; only a grid ends by itself`,
    );
  }
  const schedulers: Scheduler[] = [];
  if (scheduler === 'asha') schedulers.push(asha(config.asha));
  if (earlyStopping.patience > 0) schedulers.push(stopOnPlateau(earlyStopping));
  const limit = Math.min(trials || Infinity, size);
  const plan = { space, sampler, schedulers, metric, mode, seed, energy, trials: limit };
  return plan satisfies Partial<StudyOptions>;
}
