import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Params } from '@codebeam/nn';
import { checkpointPath, listCheckpoints, saveCheckpoint } from './checkpoint.js';
import type { Callback, FitEvent, Validation } from './fit.js';

/** Which validation is better. */
export interface Preference {
  /** The name of a validation metric. */
  metric: string;
  mode: 'min' | 'max';
}

/** When something happens: at each n-th step, or after each n-th epoch. */
export interface Interval {
  every: number;
  unit: 'step' | 'epoch';
}

/** Calls back at each n-th step or epoch, and at the end. */
export function every<P extends Params>(
  every: number,
  callback: Callback<P>,
  unit: Interval['unit'] = 'step',
): Callback<P> {
  checkInterval(every, unit);
  return (event) => (event.kind === 'end' || isDue(event, { every, unit }) ? callback(event) : undefined);
}

const isDue = <P extends Params>({ kind, state }: FitEvent<P>, { every, unit }: Interval) =>
  kind === unit && state[unit] % every === 0;

function checkInterval(every: number, unit: string): void {
  if (Number.isSafeInteger(every) && every > 0) return;
  throw new RangeError(`trainers: interval must be an integer of at least 1, got ${every}; count in ${unit}s`);
}

/**
 * Adds to the state's validations what `evaluate` measures at each n-th step or epoch, and at the end. It comes before
 * the callbacks that read them.
 *
 * @throws RangeError when a metric is not finite
 */
export function validate<P extends Params>(
  options: Interval & { evaluate: (params: P) => Promise<{ [metric: string]: number }> },
): Callback<P> {
  const run: Callback<P> = async ({ state }) => {
    const { params, step, epoch, validations } = state;
    if (step === 0 || validations.at(-1)?.step === step) return;
    const metrics = await options.evaluate(params);
    for (const [name, value] of Object.entries(metrics)) {
      if (Number.isFinite(value)) continue;
      throw new RangeError(
        `trainers: validation metric ${name} must be finite, got ${value} at step ${step}; check the evaluation`,
      );
    }
    validations.push({ step, epoch, metrics });
  };
  return every(options.every, run, options.unit);
}

/** Stops once `patience` validations in a row were no better than the best before them. A patience of 0 never stops. */
export function earlyStopping<P extends Params>({
  patience,
  ...preference
}: Preference & { patience: number }): Callback<P> {
  return ({ state: { validations } }) => {
    if (patience === 0 || validations.length === 0) return undefined;
    const [best] = bestValidations(validations, 1, preference);
    return validations.length - 1 - validations.indexOf(best) >= patience ? 'stop' : undefined;
  };
}

/** The k best validations, best first; of equal ones the earlier is better. */
export function bestValidations(
  validations: readonly Validation[],
  k: number,
  { metric, mode }: Preference,
): Validation[] {
  const sign = mode === 'max' ? -1 : 1;
  for (const { step, metrics } of validations) {
    if (metric in metrics) continue;
    const known = Object.keys(metrics).join(', ');
    throw new RangeError(`trainers: metric must be one of ${known} at step ${step}, got ${metric}; correct its name`);
  }
  return [...validations].sort((a, b) => sign * (a.metrics[metric] - b.metrics[metric])).slice(0, k);
}

/**
 * Saves the state at each n-th step or epoch, at the end, and when a validation is among the `best`. Keeps those and the
 * last two, so that a damaged file leaves one to resume from.
 */
export function keepCheckpoints<P extends Params>(
  options: Interval & {
    directory: string;
    configHash: string;
    /** How many of the best validated states to keep; none when left out. */
    best?: Preference & { k: number };
  },
): Callback<P> {
  const { directory, configHash, best } = options;
  checkInterval(options.every, options.unit);
  let saved = '';
  return async (event) => {
    const { kind, state } = event;
    if (kind === 'start') return removeLeftovers(directory);
    const bestSteps = best ? bestValidations(state.validations, best.k, best).map(({ step }) => step) : [];
    const version = [state.step, state.epoch, state.validations.length].join();
    if (version === saved || !(kind === 'end' || isDue(event, options) || bestSteps.includes(state.step))) return;
    await saveCheckpoint(checkpointPath(directory, state.step), state, configHash);
    saved = version;
    const steps = await listCheckpoints(directory);
    const lastSteps = steps.filter((step) => step <= state.step).slice(0, 2);
    const outdated = steps.filter((step) => !bestSteps.includes(step) && !lastSteps.includes(step));
    await Promise.all(outdated.map((step) => rm(checkpointPath(directory, step))));
  };
}

/** A process killed while it wrote leaves a temporary file. */
async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const leftovers = names.filter((name) => name.startsWith('.step-') && name.endsWith('.tmp'));
  await Promise.all(leftovers.map((name) => rm(join(directory, name), { force: true })));
}
