import { adjustPValues, describeSample, type Interval, type SampleSummary, welchTest } from '@codebeam/eval';
import { type EventLog, treatmentName } from '../sessions/event-log.js';
import { confidenceSequence } from './confidence-sequence.js';
import { sessionise } from './sessionise.js';
import { type UserMetric, type UserMetrics, userMetricNames, userMetrics } from './user-metrics.js';

export interface AnalysisOptions {
  /** The treatment that the others are compared with. Default `C`. */
  control?: string;
  metrics?: readonly UserMetric[];
  /** Default .05. */
  alpha?: number;
  /** For all comparisons of the analysis together. Default none, as botify's notebook has it. */
  correction?: 'none' | Parameters<typeof adjustPValues>[1];
  /**
   * Intervals and p-values that hold however often one looks while the experiment is running, narrowest for an effect of so many
   * percent ({@link confidenceSequence}). Default: those of Welch, for one look at the end.
   */
  peeking?: { effect: number };
}

/** The users of one treatment. */
export interface TreatmentGroup {
  /** `C`, `T1`, `T2` ... */
  treatment: string;
  users: number;
  metrics: Readonly<Record<string, SampleSummary>>;
}

/** What a treatment changes, against the one that it is compared with. */
export interface Effect {
  treatment: string;
  metric: UserMetric;
  /** treatment - control */
  difference: Interval;
  /** The same in percent of the control's mean. */
  percent: Interval;
  pValue: number;
  /** By the correction; the p-value itself without one. */
  adjustedPValue: number;
  /** The adjusted p-value is below alpha: without a correction, the interval leaves 0 out. */
  isSignificant: boolean;
}

export interface ExperimentAnalysis {
  experiment: string;
  /** The treatment that the others are compared with. */
  control: string;
  alpha: number;
  correction: NonNullable<AnalysisOptions['correction']>;
  peeking?: { effect: number };
  /** By number: `C`, `T1`, `T2` ..., whichever is the control. */
  groups: TreatmentGroup[];
  /** By metric, then treatment, without the control. */
  effects: Effect[];
}

/**
 * Compares the treatments of an experiment with its control, by the metrics of their users.
 *
 * @param log  with events of the experiment; those of users outside it are left out
 * @throws RangeError when the log has no such experiment, or no two users of each group
 */
export function analyseExperiment(
  log: EventLog,
  experiment: string,
  options: AnalysisOptions = {},
): ExperimentAnalysis {
  return analyseUsers(userMetrics(sessionise(log)), experiment, options);
}

/** {@link analyseExperiment} of users whose metrics are known. */
export function analyseUsers(
  { experiments, values }: Pick<UserMetrics, 'experiments' | 'values'>,
  experiment: string,
  {
    control: name = treatmentName(0),
    metrics = userMetricNames,
    alpha = 0.05,
    correction = 'none',
    peeking,
  }: AnalysisOptions = {},
): ExperimentAnalysis {
  const treatments = experiments[experiment];
  if (!treatments) {
    throw new RangeError(
      `simulation: experiment must be one of the log's (${Object.keys(experiments).join(', ') || 'it has none'}), got ${experiment}; name another`,
    );
  }
  const numbers = [...new Set(treatments)].filter((number) => number >= 0).sort((a, b) => a - b);
  const groups = numbers.map((number): TreatmentGroup => {
    const own = (metric: UserMetric) => values[metric].filter((_, user) => treatments[user] === number);
    return {
      treatment: treatmentName(number),
      users: treatments.reduce((count, treatment) => count + (treatment === number ? 1 : 0), 0),
      metrics: Object.fromEntries(metrics.map((metric) => [metric, describeSample(own(metric))])),
    };
  });
  const control = groups.find(({ treatment }) => treatment === name);
  const others = groups.filter((group) => group !== control);
  if (!control || others.length === 0) {
    throw new RangeError(
      `simulation: log of experiment ${experiment} must have users of the control ${name} and of a treatment, got ${groups.map(({ treatment }) => treatment).join(', ') || 'none'}; collect more`,
    );
  }
  const tests = metrics.flatMap((metric) =>
    others.map(({ treatment, metrics: own }) => {
      const pair = [own[metric], control.metrics[metric]] as const;
      const { difference, percent, pValue } = peeking
        ? confidenceSequence(...pair, { ...peeking, alpha })
        : welchTest(...pair, { alpha });
      return { treatment, metric, difference, percent, pValue };
    }),
  );
  const pValues = tests.map(({ pValue }) => pValue);
  const adjusted = correction === 'none' ? pValues : adjustPValues(pValues, correction);
  const effects = tests.map((test, i) => ({
    ...test,
    adjustedPValue: adjusted[i],
    isSignificant: adjusted[i] < alpha,
  }));
  return { experiment, control: name, alpha, correction, ...(peeking && { peeking }), groups, effects };
}

/** The users of a treatment that an analysis has. */
export function groupOf({ groups }: ExperimentAnalysis, treatment: string): TreatmentGroup {
  return groups.find((group) => group.treatment === treatment)!;
}
