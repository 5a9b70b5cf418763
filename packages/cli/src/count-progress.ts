import { duration } from '@codebeam/trainers';

const barWidth = 24;

/**
 * Shows how much of something is done, its rate and the time left: a bar that redraws itself on a terminal, elsewhere a plain line every
 * few seconds.
 *
 * @param options.unit   what is counted, for instance `step`
 * @param options.total  where it ends, if that is known
 * @param options.now    milliseconds, from any origin
 */
export function countProgress({
  label,
  unit,
  total,
  stream = process.stderr,
  intervalMs = 5000,
  now = () => performance.now(),
}: {
  label: string;
  unit: string;
  total?: number;
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  /** Least time between two plain lines. */
  intervalMs?: number;
  now?: () => number;
}) {
  const start = now();
  let shown = start;
  let done = 0;
  let others: Readonly<Record<string, number>> = {};
  const ratesOf = (counts: typeof others, seconds: number) =>
    Object.entries(counts).map(([name, count]) => `${describeRate(count / seconds)} ${name}/s`);
  return {
    /**
     * @param reached  how much is done, of all
     * @param counts   what else there has been so far, by its plural
     */
    reach(reached: number, counts: typeof others = {}): void {
      [done, others] = [reached, counts];
      const time = now();
      if (time - shown < (stream.isTTY ? 100 : intervalMs)) return;
      shown = time;
      const seconds = (time - start) / 1000;
      const parts = [`${unit} ${done}`, ...ratesOf({ [`${unit}s`]: done, ...others }, seconds)];
      if (total !== undefined) {
        parts[0] += ` of ${total} (${Math.floor((100 * done) / total)} %)`;
        parts.push(`${duration(((total - done) * seconds) / done)} left`);
      }
      if (!stream.isTTY) {
        stream.write(`${label}: ${parts.join(', ')}\n`);
        return;
      }
      const filled = total === undefined ? 0 : Math.round((done / total) * barWidth);
      const bar = total === undefined ? '' : `${'━'.repeat(filled)}${'╌'.repeat(barWidth - filled)} `;
      // Some terminals report 0 columns. One is left free so that none wraps the line.
      stream.write(`\r\x1b[K${`${label} ${bar}${parts.join(', ')}`.slice(0, (stream.columns || 80) - 1)}`);
    },
    end(): void {
      const seconds = (now() - start) / 1000;
      const took = seconds < 9.95 ? `${seconds.toFixed(1)}s` : duration(seconds);
      const text = `${label}: ${[`${done} ${unit}s in ${took}`, ...ratesOf(others, seconds)].join(', ')}\n`;
      stream.write(stream.isTTY ? `\r\x1b[K${text}` : text);
    },
  };
}

/** Three digits, and never in powers of ten. */
function describeRate(rate: number): string {
  return rate < 100 ? rate.toPrecision(3) : Number(rate.toPrecision(3)).toLocaleString('en');
}
