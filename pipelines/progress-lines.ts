import { duration } from '@codebeam/trainers';

/** Says every few seconds how far some work is, how fast, and how long it will take. */
export function progressLines(label: string, log: (text: string) => void, intervalMs = 5000) {
  const started = performance.now();
  let shown = started;
  return ({ done, total }: { done: number; total: number }): void => {
    const now = performance.now();
    if (now - shown < intervalMs) return;
    shown = now;
    const rate = done / ((now - started) / 1000);
    const share = Math.floor((100 * done) / total);
    log(
      `${label}: ${done} of ${total} (${share} %), ${rate.toPrecision(3)}/s, ${duration((total - done) / rate)} left`,
    );
  };
}
