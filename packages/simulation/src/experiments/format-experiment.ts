import { treatmentName, treatmentNumber } from '../sessions/event-log.js';
import { type Effect, type ExperimentAnalysis, groupOf } from './analyse-experiment.js';

/**
 * The analysis as text: a row for each metric and treatment, effects in percent of the control with their intervals.
 *
 * @param policies  what each treatment is, the control first
 */
export function formatExperiment(analysis: ExperimentAnalysis, policies?: readonly string[]): string {
  const { experiment, control, groups, effects } = analysis;
  const names = groups.map(({ treatment, users }) => `${shownTreatment(treatment, policies)} (${users} users)`);
  const head = ['metric', 'treatment', 'control', 'mean', 'effect', 'interval', 'p', ''];
  const rows = effects.map(({ metric, treatment, percent, adjustedPValue, isSignificant }) => [
    metric,
    treatment,
    shownMean(groupOf(analysis, control).metrics[metric].mean),
    shownMean(groupOf(analysis, treatment).metrics[metric].mean),
    shownPercent(percent.mean),
    `[${shownPercent(percent.low)}, ${shownPercent(percent.high)}]`,
    shownPValue(adjustedPValue),
    isSignificant ? 'significant' : '',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  const title = control === treatmentName(0) ? experiment : `${experiment} against ${control}`;
  return [`${title}: ${names.join(', ')}`, ...[head, ...rows].map(line), describeTests(analysis)].join('\n');
}

/** A treatment, and what it is where that is known. A group without users is not in an analysis: names say who is who. */
export function shownTreatment(treatment: string, policies: readonly string[] = []): string {
  const policy = policies[treatmentNumber(treatment)];
  return policy ? `${treatment} ${policy}` : treatment;
}

/** What intervals and p-values of an analysis are. */
export function describeTests({ alpha, correction, peeking }: ExperimentAnalysis): string {
  const level = shownLevel(alpha);
  const intervals = peeking
    ? `Intervals: ${level} confidence sequence (normal mixture), narrowest for effects of ${peeking.effect} %; they hold however often one looks`
    : `Intervals: ${level}, Welch's t, for one look at the end`;
  return `${intervals}. P-values: ${correction === 'none' ? 'each by itself' : `${correction} over all rows`}.`;
}

/** The level of intervals that leave alpha out. */
export function shownLevel(alpha: number): string {
  return `${Number((100 * (1 - alpha)).toPrecision(6))} %`;
}

export function shownMean(mean: number): string {
  return Number.isFinite(mean) ? mean.toFixed(4) : '–';
}

export function shownPercent(percent: Effect['percent']['mean']): string {
  return Number.isFinite(percent) ? `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %` : '–';
}

export function shownPValue(pValue: number): string {
  return pValue < 1e-4 ? '<.0001' : pValue.toFixed(4);
}
