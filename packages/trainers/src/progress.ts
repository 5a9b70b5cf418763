import type { Params } from '@codebeam/nn';
import type { Callback, Validation } from './fit.js';

const barWidth = 24;
/** Of a validation; there may be dozens. */
const metricsShown = 4;

/**
 * Shows steps, rate, time left and loss: a bar that redraws itself on a terminal, elsewhere a plain line every few
 * seconds. Each validation gets a line of its own.
 *
 * @param options.totalSteps  where the run ends if nothing stops it; without it no share and no time left are shown
 * @param options.metric      of validations, the one that counts: shown first
 * @param options.now         milliseconds, from any origin
 */
export function progress<P extends Params>(options: {
  label: string;
  totalSteps?: number;
  metric?: string;
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  /** Least time between two plain lines. */
  intervalMs?: number;
  now?: () => number;
}): Callback<P> {
  const {
    label,
    totalSteps,
    metric,
    stream = process.stderr,
    intervalMs = 5000,
    now = () => performance.now(),
  } = options;
  let [startTime, startStep, shownTime, validated] = [0, 0, 0, 0];

  const line = (text: string) => stream.write(stream.isTTY ? `\r\x1b[K${label}: ${text}\n` : `${label}: ${text}\n`);
  const draw = (text: string, share?: number) => {
    const done = Math.round((share ?? 0) * barWidth);
    const bar = share === undefined ? '' : `${'━'.repeat(done)}${'╌'.repeat(barWidth - done)} `;
    // Some terminals report 0 columns. One is left free so that none wraps the line.
    const room = (stream.columns || 80) - 1;
    stream.write(`\r\x1b[K${`${label} ${bar}${text}`.slice(0, room)}`);
  };

  return (event) => {
    const { kind, state } = event;
    const time = now();
    if (kind === 'start') {
      [startTime, startStep, shownTime, validated] = [time, state.step, time, state.validations.length];
      if (state.step > 0) line(`continues after step ${state.step}`);
      return;
    }
    const seconds = (time - startTime) / 1000;
    if (kind === 'step' && time - shownTime >= (stream.isTTY ? 100 : intervalMs)) {
      shownTime = time;
      const rate = (state.step - startStep) / seconds;
      const share = totalSteps === undefined ? undefined : Math.min(1, state.step / totalSteps);
      const parts = [`step ${state.step}`, `${rate.toPrecision(3)} steps/s`, `loss ${event.loss.toPrecision(4)}`];
      if (totalSteps !== undefined && share !== undefined) {
        parts[0] += ` of ${totalSteps} (${Math.floor(100 * share)} %)`;
        parts.splice(2, 0, `${duration(Math.max(0, totalSteps - state.step) / rate)} left`);
      }
      if (stream.isTTY) draw(parts.join(', '), share);
      else line(parts.join(', '));
    }
    for (const validation of state.validations.slice(validated)) line(describe(validation, metric));
    validated = state.validations.length;
    if (kind === 'end') line(`${state.step - startStep} steps in ${duration(seconds)}, now at step ${state.step}`);
  };
}

function describe({ step, metrics }: Validation, first?: string): string {
  const names = Object.keys(metrics).sort((a, b) => Number(b === first) - Number(a === first));
  const values = names.slice(0, metricsShown).map((name) => `${name} ${metrics[name].toPrecision(4)}`);
  const others = names.length > metricsShown ? [`${names.length - metricsShown} more`] : [];
  return `validation at step ${step}: ${[...values, ...others].join(', ')}`;
}

/** `9s`, `4m 20s`, `1h 05m`. */
export function duration(seconds: number): string {
  const [s, m] = [Math.round(seconds), Math.round(seconds / 60)];
  const pad = (value: number) => String(value).padStart(2, '0');
  if (s < 60) return `${s}s`;
  return s < 3600 ? `${Math.floor(s / 60)}m ${pad(s % 60)}s` : `${Math.floor(m / 60)}h ${pad(m % 60)}m`;
}
