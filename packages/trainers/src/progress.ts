import type { Params } from '@codebeam/nn';
import type { Callback, Validation } from './fit.js';
import { duration, type ProgressLineOptions, progressLine } from './progress-line.js';

/** Of a validation; there may be dozens. */
const metricsShown = 4;

/**
 * Shows steps, rate, time left and loss. Each validation gets a line of its own.
 *
 * @param options.totalSteps  where the run ends if nothing stops it; without it no share and no time left are shown
 * @param options.metric      of validations, the one that counts: shown first
 */
export function progress<P extends Params>(
  options: ProgressLineOptions & { totalSteps?: number; metric?: string },
): Callback<P> {
  const { totalSteps, metric } = options;
  const line = progressLine(options);
  let [startTime, startStep, validated] = [0, 0, 0];

  return (event) => {
    const { kind, state } = event;
    if (kind === 'start') {
      [startTime, startStep, validated] = [line.now(), state.step, state.validations.length];
      if (state.step > 0) line.say(`continues after step ${state.step}`);
      return;
    }
    if (kind === 'step') {
      line.show((time) => {
        const rate = (1000 * (state.step - startStep)) / (time - startTime);
        const parts = [`step ${state.step}`, `${rate.toPrecision(3)} steps/s`, `loss ${event.loss.toPrecision(4)}`];
        if (totalSteps === undefined) return { parts };
        const share = Math.min(1, state.step / totalSteps);
        parts[0] += ` of ${totalSteps} (${Math.floor(100 * share)} %)`;
        parts.splice(2, 0, `${duration(Math.max(0, totalSteps - state.step) / rate)} left`);
        return { parts, share };
      });
    }
    for (const validation of state.validations.slice(validated)) line.say(describe(validation, metric));
    validated = state.validations.length;
    if (kind === 'end') {
      const seconds = (line.now() - startTime) / 1000;
      line.say(`${state.step - startStep} steps in ${duration(seconds)}, now at step ${state.step}`);
    }
  };
}

function describe({ step, metrics }: Validation, first?: string): string {
  const names = Object.keys(metrics).sort((a, b) => Number(b === first) - Number(a === first));
  const values = names.slice(0, metricsShown).map((name) => `${name} ${metrics[name].toPrecision(4)}`);
  const others = names.length > metricsShown ? [`${names.length - metricsShown} more`] : [];
  return `validation at step ${step}: ${[...values, ...others].join(', ')}`;
}
