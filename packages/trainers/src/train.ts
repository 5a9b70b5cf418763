import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { disposeParams, type Params } from '@codebeam/nn';
import { bestValidations, earlyStopping, keepCheckpoints, type Preference, validate } from './callbacks.js';
import { checkpointPath, loadCheckpoint, resume } from './checkpoint.js';
import { createEventFile } from './event-file.js';
import { type Callback, type FitOptions, type FitState, fit, type Validation } from './fit.js';
import { logScalars } from './log-scalars.js';
import type { Optimizer } from './optimizer.js';
import { progress } from './progress.js';
import { type TrainingConfig, trainingPlan, warmupOf } from './training-config.js';

export interface TrainOptions<P extends Params, B>
  extends Pick<FitOptions<P, B>, 'loss' | 'batches' | 'trainable' | 'rows'> {
  /** Stands before each line of progress. */
  label: string;
  training: TrainingConfig;
  /** Takes the place of the one that `training` names. */
  optimizer?: Optimizer;
  /** Where the run begins if there is no checkpoint to go on from; `train` owns these tensors. */
  params: P;
  batchesPerEpoch: number;
  /**
   * Whatever makes this run another than one with the same training config, such as its data: a checkpoint of another is refused. Arrays of
   * numbers stand for their sha256.
   */
  identity: object;
  /** Where checkpoints go (`training.checkpointDir` below it); nothing is saved when left out. */
  stateFolder?: string;
  /** Where TensorBoard files and metrics.jsonl go (`training.logDir` below it); nothing is logged when left out. */
  logFolder?: string;
  /** Measures the model as often as the config says; its best state is what the run returns. */
  validation?: Preference & { evaluate: (params: P) => Promise<{ [metric: string]: number }> };
  /** Called before the run's own. */
  callbacks?: readonly Callback<P>[];
}

/**
 * `fit` with what every run wants around it: resume, validation, logs, progress, checkpoints, early stopping.
 *
 * @returns the last state; with a validation and a folder for checkpoints, the best one
 */
export async function train<P extends Params, B>(options: TrainOptions<P, B>): Promise<FitState<P>> {
  const { training, params, validation, label, stateFolder, logFolder } = options;
  const { totalSteps, ...plan } = trainingPlan(training, options.batchesPerEpoch);
  const identity = JSON.stringify({ ...options.identity, training }, (_, value) =>
    ArrayBuffer.isView(value) ? sha256(value as NodeJS.ArrayBufferView) : value,
  );
  const configHash = sha256(identity).slice(0, 16);
  const directory = stateFolder && join(stateFolder, training.checkpointDir);
  const logs = logFolder && join(logFolder, training.logDir, training.experimentName, training.version ?? '');
  const every = training.validationInterval;
  const unit = training.validationUnit;

  const asked = training.schedule.warmupSteps;
  const warmup = warmupOf(training, totalSteps);
  if (warmup < asked) {
    console.warn(`${label}: the run has ${totalSteps} steps, so its warm-up takes ${warmup} of them and not ${asked}`);
  }

  const callbacks: Callback<P>[] = [...(options.callbacks ?? [])];
  if (validation) callbacks.push(validate({ every, unit, evaluate: validation.evaluate }));
  if (logs) callbacks.push(logScalars({ events: createEventFile(logs), file: join(logs, 'metrics.jsonl') }));
  if (training.progressBar)
    callbacks.push(progress({ label, totalSteps, ...(validation && { metric: validation.metric }) }));
  if (directory) {
    const best = validation && { ...validation, k: Math.max(1, training.saveTopK) };
    callbacks.push(
      keepCheckpoints({
        directory,
        configHash,
        every: training.checkpointInterval,
        unit: 'step',
        ...(best && { best }),
      }),
    );
  }
  if (validation) callbacks.push(earlyStopping({ ...validation, patience: training.earlyStoppingPatience }));

  const bestSteps = (validations: readonly Validation[]) =>
    validation ? bestValidations(validations, 1, validation).map(({ step }) => step) : [];
  const start = directory
    ? await resume(directory, params, configHash, { needs: ({ validations }) => bestSteps(validations) })
    : { params };
  const { loss, batches, trainable, rows, optimizer = plan.optimizer } = options;
  const own = { loss, batches, optimizer, ...(trainable && { trainable }), ...(rows && { rows }) };
  const state = await fit({ ...plan, ...own, start, callbacks });
  if (!validation || !directory) return state;

  const { validations } = state;
  const [best] = bestSteps(validations);
  if (best === state.step) return state;
  const bestState = await loadCheckpoint(checkpointPath(directory, best), state.params, configHash);
  disposeParams([state.params, state.optimizer]);
  return { ...bestState, validations };
}

const sha256 = (data: string | NodeJS.ArrayBufferView) => createHash('sha256').update(data).digest('hex');
