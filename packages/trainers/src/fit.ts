import { getPrecision, type Precision, setPrecision, type tf } from '@codebeam/backend';
import { flattenParams, type Params } from '@codebeam/nn';
import type { Key } from '@codebeam/random';
import type { NamedTensors, Optimizer } from './optimizer.js';
import type { Schedule } from './schedules.js';
import { type StepReport, trainStep } from './train-step.js';

/** What a model's loss function returns for one batch. */
export interface LossResult {
  loss: tf.Scalar;
  /** Scalars to be logged. */
  metrics?: { [name: string]: tf.Scalar };
  /** New values of parameters that are not learned by gradient (EMA codebooks), by flat name; set after the step. */
  updates?: NamedTensors;
}

/** The whole of a training run: with the same options, `fit` continues from it bit for bit. */
export interface FitState<P extends Params> {
  params: P;
  /** The optimizer's moments. */
  optimizer: NamedTensors;
  /** Steps (updates of the parameters) made. */
  step: number;
  /** Epochs completed. */
  epoch: number;
  /** Batches already consumed of the epoch under way. */
  batch: number;
  /** Oldest first. What early stopping and the choice of checkpoints depend on. */
  validations: Validation[];
}
export interface Validation {
  step: number;
  epoch: number;
  metrics: { [name: string]: number };
}

/** Callbacks hear of the start, each step, each completed epoch and the end. */
export type FitEvent<P extends Params> = { state: FitState<P> } & (
  | ({ kind: 'step' } & StepReport)
  | { kind: 'start' | 'epoch' | 'end' }
);

/** Called and awaited in list order. 'stop' ends the run, once every callback has heard the event. */
// biome-ignore lint/suspicious/noConfusingVoidType: callbacks that never stop the run need not return anything
export type Callback<P extends Params> = (event: FitEvent<P>) => void | 'stop' | Promise<void | 'stop'>;

export interface FitOptions<P extends Params, B> {
  /** Where to begin: new parameters, or a checkpoint's state. `fit` owns and replaces these tensors from now on. */
  start: { params: P } | FitState<P>;
  /** The key differs for each batch and step: for dropout and whatever else is random. Runs in a tidy. */
  loss: (params: P, batch: B, context: { key: Key; step: number }) => LossResult;
  /** An epoch's batches, always the same for the same epoch; plain values, not tensors. */
  batches: (epoch: number) => Iterable<B>;
  optimizer: Optimizer;
  schedule?: Schedule;
  /** The run ends after so many epochs or steps in all, whichever comes first; one of them is needed. */
  epochs?: number;
  maxSteps?: number;
  /** Batches per step, 1 when left out. Loss, gradients, metrics and updates are means over them. */
  accumulate?: number;
  /** Gradients are scaled down to this norm, taken over all of them. */
  clipNorm?: number;
  /** Of the backend's matrix products while `fit` runs, callbacks included; float32 when left out. */
  precision?: Precision;
  seed: number;
  /** Which parameters the optimizer moves, by flat name; all when left out. */
  trainable?: (name: string) => boolean;
  /**
   * Rows of large tables that a batch is about, each once, by flat name of the parameter. The loss is given these rows in place of the
   * table, and the step leaves all others, and their moments, as they are. Not with `accumulate`.
   */
  rows?: (batch: B) => { readonly [name: string]: Int32Array };
  callbacks?: readonly Callback<P>[];
}

/**
 * Trains: batches in, parameters out; nothing here knows a model. A run continued from a checkpoint ends as it would
 * have without interruption, for batches depend on the epoch alone and keys on the seed, step and batch.
 *
 * @throws RangeError when an option makes no sense · Error when a loss or gradient is not finite
 */
export async function fit<P extends Params, B>(options: FitOptions<P, B>): Promise<FitState<P>> {
  check(options);
  const before = getPrecision();
  setPrecision(options.precision ?? 'float32');
  try {
    return await run(options);
  } finally {
    setPrecision(before);
  }
}

async function run<P extends Params, B>(options: FitOptions<P, B>): Promise<FitState<P>> {
  const { epochs = Infinity, maxSteps = Infinity, accumulate = 1, callbacks = [] } = options;
  const state = begin(options);
  let stopped = false;
  const emit = async (event: FitEvent<P>) => {
    for (const callback of callbacks) if ((await callback(event)) === 'stop') stopped = true;
  };

  const isOver = () => stopped || state.step >= maxSteps;

  await emit({ kind: 'start', state });
  // An epoch under way is looked into even then: a run killed after its last batch has yet to complete it.
  while (state.epoch < epochs && (state.batch > 0 || !isOver())) {
    let completed = true;
    for (const group of groups(options.batches(state.epoch), state.batch, accumulate)) {
      completed = !isOver();
      if (!completed) break;
      await emit({ kind: 'step', state, ...(await trainStep(state, group, options)) });
    }
    if (!completed) break;
    state.epoch++;
    state.batch = 0;
    await emit({ kind: 'epoch', state });
  }
  await emit({ kind: 'end', state });
  return state;
}

function begin<P extends Params, B>({ start, optimizer, trainable = () => true }: FitOptions<P, B>): FitState<P> {
  if ('step' in start) return start;
  const moved = Object.entries(flattenParams(start.params)).filter(([name]) => trainable(name));
  const moments = optimizer.init(Object.fromEntries(moved));
  return { params: start.params, optimizer: moments, step: 0, epoch: 0, batch: 0, validations: [] };
}

/** The batches after the first `skip`, by `size`; the last group of an epoch may be smaller. */
function* groups<B>(batches: Iterable<B>, skip: number, size: number): Generator<B[]> {
  let group: B[] = [];
  let count = 0;
  for (const batch of batches) {
    if (count++ < skip) continue;
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
  if (count < Math.max(1, skip)) {
    const advice =
      skip > 0
        ? 'the data is not that of the checkpoint'
        : 'give data that leaves something to learn, or a smaller batch size';
    throw new RangeError(`trainers: an epoch must have at least ${Math.max(1, skip)} batches, got ${count}; ${advice}`);
  }
}

function check<P extends Params, B>({ epochs, maxSteps, accumulate = 1, clipNorm = 1, rows }: FitOptions<P, B>): void {
  if (epochs === undefined && maxSteps === undefined) {
    throw new RangeError('trainers: epochs or maxSteps must be given, got neither; the run would never end');
  }
  if (!Number.isSafeInteger(accumulate) || accumulate < 1) {
    throw new RangeError(`trainers: accumulate must be an integer of at least 1, got ${accumulate}; use 1 for none`);
  }
  if (rows && accumulate > 1) {
    throw new RangeError(`trainers: accumulate must be 1 where batches name their rows, got ${accumulate}`);
  }
  if (!(clipNorm > 0)) {
    throw new RangeError(`trainers: clipNorm must be positive, got ${clipNorm}; leave it out to clip nothing`);
  }
}
