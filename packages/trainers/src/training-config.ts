import { z } from 'zod';
import { adagrad } from './adagrad.js';
import { adamw } from './adamw.js';
import type { FitOptions } from './fit.js';
import { constant, cosine, inverseSqrt, linear, type Schedule } from './schedules.js';

const count = z.int().nonnegative();

/**
 * The knobs of a training run, the same for every model; what is to be off has the value 0. Unknown keys are errors.
 * A trainer whose model needs other defaults sets them with `extend`.
 */
export const trainingSchema = z.strictObject({
  maxEpochs: count.default(100).describe('epochs after which training ends; 0: no limit (paper, RQ-VAE: 20,000)'),
  maxSteps: count
    .default(0)
    .describe('steps (updates) after which training ends; 0: no limit (paper, TIGER on Beauty: 200,000)'),
  batchSize: z.int().positive().default(256).describe('examples per batch (paper: 1,024 for RQ-VAE, 256 for TIGER)'),
  accumulate: z.int().positive().default(1).describe('batches per step, whose gradients are averaged'),
  optimizer: z.enum(['adamw', 'adagrad']).default('adamw').describe('paper, RQ-VAE: adagrad'),
  learningRate: z
    .number()
    .positive()
    .default(1e-3)
    .describe('change per step before the schedule (paper: 0.4 with adagrad for RQ-VAE, 0.01 for TIGER)'),
  weightDecay: z
    .number()
    .nonnegative()
    .default(0)
    .describe('share of a weight lost per unit of learning rate, adamw only; norms and biases are spared'),
  schedule: z
    .strictObject({
      name: z
        .enum(['constant', 'linear', 'cosine', 'inverse-sqrt'])
        .default('constant')
        .describe('course of the learning rate after the warm-up (paper, TIGER: inverse-sqrt)'),
      warmupSteps: count
        .default(0)
        .describe(
          'steps over which the rate rises in a straight line; a tenth of the run where it has no more steps than these',
        ),
      holdSteps: count
        .default(0)
        .describe('inverse-sqrt only: steps until which the full rate holds (paper, TIGER: 10,000)'),
    })
    .prefault({}),
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('what matrix products round their inputs to; a backend without bfloat16 trains in float32'),
  gradientClip: z.number().nonnegative().default(1).describe('greatest norm over all gradients; 0: no clipping'),
  validationInterval: z
    .int()
    .positive()
    .default(1)
    .describe('epochs or steps, see validationUnit, between validations'),
  validationUnit: z.enum(['epoch', 'step']).default('epoch').describe('what validationInterval counts'),
  earlyStoppingPatience: count
    .default(10)
    .describe('validations in a row without a new best after which training stops; 0: never'),
  checkpointInterval: z
    .int()
    .positive()
    .default(500)
    .describe('steps between checkpoints, which is what a killed run loses at most'),
  checkpointDir: z.string().min(1).default('checkpoints').describe("folder of checkpoints, under the stage's"),
  saveTopK: count
    .default(3)
    .describe('best validated checkpoints to keep beside the last two; the best is kept in any case'),
  logDir: z
    .string()
    .min(1)
    .default('logs')
    .describe("folder of TensorBoard files and metrics.jsonl, under the stage's"),
  experimentName: fileName('experimentName').default('experiment').describe('folder under logDir'),
  version: fileName('version').optional().describe('folder under the experiment; none when left out'),
  deterministic: z
    .literal(true, { error: 'must be true: no backend has a faster way that repeats itself less' })
    .default(true)
    .describe('same seed, backend and threads: same bits'),
  seed: z.int().nonnegative().default(42).describe('of initial weights, batch order, dropout and sampling'),
  progressBar: z.boolean().default(true).describe('show progress on standard error'),
  runTest: z.boolean().default(true).describe('evaluate on the test split, once, after training'),
});

export type TrainingConfig = z.output<typeof trainingSchema>;

/** The settings that a run decides, not the options of what is trained, as a mask for `omit`. */
export const runSettings = {
  seed: true,
  runTest: true,
  checkpointDir: true,
  logDir: true,
  experimentName: true,
} as const;

/** Why a run would never end; nothing where it does. */
export function endlessness({
  maxEpochs,
  maxSteps,
}: Pick<TrainingConfig, 'maxEpochs' | 'maxSteps'>): string | undefined {
  if (maxEpochs > 0 || maxSteps > 0) return undefined;
  return 'maxEpochs or maxSteps must be positive, got 0 for both; the run would never end';
}

/**
 * What `fit` takes from the config, and the number of steps that this makes if nothing stops it.
 *
 * @param batchesPerEpoch  before accumulation
 * @throws RangeError when both limits are 0
 */
export function trainingPlan(config: TrainingConfig, batchesPerEpoch: number) {
  const { maxEpochs, maxSteps, learningRate, weightDecay, accumulate, gradientClip, precision, seed } = config;
  const endless = endlessness(config);
  if (endless) throw new RangeError(`trainers: ${endless}`);
  const epochSteps = (maxEpochs || Infinity) * Math.ceil(batchesPerEpoch / accumulate);
  const totalSteps = Math.min(maxSteps || Infinity, epochSteps);
  const optimizer = config.optimizer === 'adamw' ? adamw({ learningRate, weightDecay }) : adagrad({ learningRate });
  const plan = {
    optimizer,
    schedule: scheduleOf({ ...config.schedule, warmupSteps: warmupOf(config, totalSteps) }, totalSteps),
    accumulate,
    precision,
    seed,
    ...(maxEpochs > 0 && { epochs: maxEpochs }),
    ...(maxSteps > 0 && { maxSteps }),
    ...(gradientClip > 0 && { clipNorm: gradientClip }),
  } satisfies Partial<FitOptions<never, never>>;
  return { ...plan, totalSteps };
}

/** Steps of the warm-up: those asked for, or a tenth of a run that has no more steps than these. */
export function warmupOf({ schedule: { warmupSteps } }: Pick<TrainingConfig, 'schedule'>, totalSteps: number): number {
  return warmupSteps < totalSteps ? warmupSteps : Math.floor(totalSteps / 10);
}

function scheduleOf({ name, warmupSteps, holdSteps }: TrainingConfig['schedule'], totalSteps: number): Schedule {
  switch (name) {
    case 'constant':
      return constant({ warmupSteps });
    case 'linear':
      return linear({ warmupSteps, totalSteps });
    case 'cosine':
      return cosine({ warmupSteps, totalSteps });
    case 'inverse-sqrt':
      return inverseSqrt({ warmupSteps, holdSteps });
    default:
      throw new Error(`internal: schedule ${name satisfies never}`);
  }
}

function fileName(key: string) {
  const error = `${key} must consist of letters, digits, -, _ and ., for it names a folder`;
  return z.string().regex(/^[\w-][\w.-]*$/, { error });
}
