import { duration, type ProgressLineOptions, progressLine } from '@codebeam/trainers';

/**
 * Shows how much of something is done, its rate and the time left.
 *
 * @param options.unit   what is counted, for instance `step`
 * @param options.total  where it ends, if that is known
 */
export function countProgress(options: ProgressLineOptions & { unit: string; total?: number }) {
  const { unit, total } = options;
  const line = progressLine(options);
  const start = line.now();
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
      line.show((time) => {
        const seconds = (time - start) / 1000;
        const parts = [`${unit} ${done}`, ...ratesOf({ [`${unit}s`]: done, ...others }, seconds)];
        if (total === undefined) return { parts };
        parts[0] += ` of ${total} (${Math.floor((100 * done) / total)} %)`;
        parts.push(`${duration(((total - done) * seconds) / done)} left`);
        return { parts, share: done / total };
      });
    },
    end(): void {
      const seconds = (line.now() - start) / 1000;
      const took = seconds < 9.95 ? `${seconds.toFixed(1)}s` : duration(seconds);
      line.say([`${done} ${unit}s in ${took}`, ...ratesOf(others, seconds)].join(', '));
    },
  };
}

/** Three digits, and never in powers of ten. */
function describeRate(rate: number): string {
  return rate < 100 ? rate.toPrecision(3) : Number(rate.toPrecision(3)).toLocaleString('en');
}
