const barWidth = 24;

/** A line that says how far something has come: it redraws itself on a terminal; elsewhere it is written anew every few seconds. */
export function progressLine({
  label,
  stream = process.stderr,
  intervalMs = 5000,
  now = () => performance.now(),
}: ProgressLineOptions) {
  let shown = now();
  return {
    now,
    /** Writes a line that stays. */
    say(text: string): void {
      stream.write(stream.isTTY ? `\r\x1b[K${label}: ${text}\n` : `${label}: ${text}\n`);
    },
    /** @param describe  what has come, asked for only if it is time to show it; its `share` of the whole, in [0, 1], draws the bar */
    show(describe: (time: number) => { parts: readonly string[]; share?: number }): void {
      const time = now();
      if (time - shown < (stream.isTTY ? 100 : intervalMs)) return;
      shown = time;
      const { parts, share } = describe(time);
      const text = parts.join(', ');
      if (!stream.isTTY) {
        this.say(text);
        return;
      }
      const done = Math.round((share ?? 0) * barWidth);
      const bar = share === undefined ? '' : `${'━'.repeat(done)}${'╌'.repeat(barWidth - done)} `;
      // Some terminals report 0 columns. One is left free so that none wraps the line.
      const room = (stream.columns || 80) - 1;
      stream.write(`\r\x1b[K${`${label} ${bar}${text}`.slice(0, room)}`);
    },
  };
}

export interface ProgressLineOptions {
  label: string;
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  /** Least time between two lines where there is no terminal. */
  intervalMs?: number;
  /** Milliseconds, from any origin. */
  now?: () => number;
}

/** `9s`, `4m 20s`, `1h 05m`. */
export function duration(seconds: number): string {
  const [s, m] = [Math.round(seconds), Math.round(seconds / 60)];
  const pad = (value: number) => String(value).padStart(2, '0');
  if (s < 60) return `${s}s`;
  return s < 3600 ? `${Math.floor(s / 60)}m ${pad(s % 60)}s` : `${Math.floor(m / 60)}h ${pad(m % 60)}m`;
}
