import { duration } from '@codebeam/trainers';

const barWidth = 24;

/**
 * Shows the steps of a simulation, their rate and the time left: a bar that redraws itself on a terminal, elsewhere a plain line every few
 * seconds.
 *
 * @param options.steps  where it ends, if that is known
 * @param options.now    milliseconds, from any origin
 */
export function stepProgress({
  label,
  steps,
  stream = process.stderr,
  intervalMs = 5000,
  now = () => performance.now(),
}: {
  label: string;
  steps?: number;
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  /** Least time between two plain lines. */
  intervalMs?: number;
  now?: () => number;
}) {
  const start = now();
  let shown = start;
  let reached = 0;
  let interactions = 0;
  return {
    step(step: number, numUsers: number): void {
      reached = step;
      interactions += numUsers;
      const time = now();
      if (time - shown < (stream.isTTY ? 100 : intervalMs)) return;
      shown = time;
      const seconds = (time - start) / 1000;
      const rate = step / seconds;
      const parts = [
        `step ${step}`,
        `${rate.toPrecision(3)} steps/s`,
        `${describe(interactions / seconds)} interactions/s`,
      ];
      if (steps !== undefined) {
        parts[0] += ` of ${steps} (${Math.floor((100 * step) / steps)} %)`;
        parts.push(`${duration((steps - step) / rate)} left`);
      }
      if (!stream.isTTY) {
        stream.write(`${label}: ${parts.join(', ')}\n`);
        return;
      }
      const done = steps === undefined ? 0 : Math.round((step / steps) * barWidth);
      const bar = steps === undefined ? '' : `${'━'.repeat(done)}${'╌'.repeat(barWidth - done)} `;
      stream.write(`\r\x1b[K${`${label} ${bar}${parts.join(', ')}`.slice(0, (stream.columns || 80) - 1)}`);
    },
    end(): void {
      const seconds = (now() - start) / 1000;
      const text = `${label}: ${reached} steps in ${seconds < 9.95 ? `${seconds.toFixed(1)}s` : duration(seconds)}, ${describe(interactions / seconds)} interactions/s\n`;
      stream.write(stream.isTTY ? `\r\x1b[K${text}` : text);
    },
  };
}

function describe(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString('en');
}
