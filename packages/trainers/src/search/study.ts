import type { EnergyAssumptions } from './energy-estimate.js';
import type { TrialRecord } from './journal.js';
import type { SearchSpace } from './search-space.js';

/** A trial by its best report. */
export interface RatedTrial extends TrialRecord {
  /** Best value of the metric; of a failed trial the worst there is, -Infinity where more is better. */
  score: number;
  /** Where that was reported: what a refit should be given. */
  resource?: number;
}

/** What a search has found. */
export interface Study {
  name: string;
  metric: string;
  mode: 'min' | 'max';
  space: SearchSpace;
  /** What the page's estimate of energy assumes. */
  energy?: Partial<EnergyAssumptions>;
  /** In order of their numbers. */
  trials: readonly RatedTrial[];
  /** None when every trial failed. */
  best?: RatedTrial;
}

/** Rates trials and finds the best of those that have ended; the earlier of equal ones. */
export function summarize(description: Omit<Study, 'trials' | 'best'>, records: Iterable<TrialRecord>): Study {
  const { metric, mode } = description;
  const trials = [...records].sort((a, b) => a.number - b.number).map((trial) => rate(trial, metric, mode));
  const [best] = trials
    .filter(({ status, resource }) => status !== 'running' && resource !== undefined)
    .sort((a, b) => (mode === 'max' ? b.score - a.score : a.score - b.score));
  return { ...description, trials, ...(best && { best }) };
}

/** A trial with its best report; the earlier of equal ones. */
export function rate(trial: TrialRecord, metric: string, mode: 'min' | 'max'): RatedTrial {
  let rated: RatedTrial = { ...trial, score: mode === 'max' ? -Infinity : Infinity };
  if (trial.status === 'failed') return rated;
  for (const { resource, metrics } of trial.reports) {
    const score = metrics[metric];
    if (mode === 'max' ? score > rated.score : score < rated.score) rated = { ...trial, score, resource };
  }
  return rated;
}
