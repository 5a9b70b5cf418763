import { type BootstrapOptions, bootstrapInterval, type Interval, meanOf, resampleCounts } from './confidence.js';
import { type MetricName, metricOf } from './metrics.js';
import { type PairedDifference, testGain } from './significance.js';

/** One model's ranks of the same users' targets, once for each seed that it was trained with. */
export type SeededRanks = readonly Int32Array[];

export interface SeededMean extends Interval {
  /** Sample standard deviation of the seeds' own means; NaN of one seed. */
  deviation: number;
}

/**
 * Means of metrics over users and seeds. The interval is over users, each of whom stands for the mean of the seeds; how much seeds
 * differ is said beside it.
 */
export function meansOverSeeds(
  ranks: SeededRanks,
  metrics: readonly MetricName[],
  options: BootstrapOptions,
): SeededMean[] {
  const { counts, outcomes } = countOutcomes(ranks);
  const resampled = resampleCounts(counts, options);
  return metrics.map((metric) => {
    const value = metricOf(metric);
    const means = ranks.map((_, seed) => meanOf(counts, (outcome) => value(outcomes[outcome][seed])));
    const mean = meanOfValues(means);
    const variance = means.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (means.length - 1);
    const interval = bootstrapInterval(counts, resampled, (outcome) => meanOfValues(outcomes[outcome].map(value)));
    return { ...interval, deviation: Math.sqrt(variance) };
  });
}

/**
 * Paired differences of two models' means over users, as `compareModels` has them, each user standing for the mean of a model's seeds.
 *
 * @returns model - reference for each metric; pValue two-sided, never below 2 / (resamples + 1)
 * @throws RangeError when the two have not as many users
 */
export function compareOverSeeds(
  model: SeededRanks,
  reference: SeededRanks,
  metrics: readonly MetricName[],
  options: BootstrapOptions,
): Pick<PairedDifference, 'difference' | 'pValue'>[] {
  if (model[0].length !== reference[0].length) {
    throw new RangeError(
      `eval: models to compare must have the same users, got ${model[0].length} and ${reference[0].length}; evaluate both on the same cases`,
    );
  }
  const { counts, outcomes } = countOutcomes([...model, ...reference]);
  const resampled = resampleCounts(counts, options);
  return metrics.map((metric) => {
    const value = metricOf(metric);
    const gains = outcomes.map((ranks) => {
      const values = ranks.map(value);
      return meanOfValues(values.slice(0, model.length)) - meanOfValues(values.slice(model.length));
    });
    return testGain(counts, resampled, (outcome) => gains[outcome]);
  });
}

/** Users by what their ranks are under all seeds: few combinations, as most targets are on no list. */
function countOutcomes(ranks: SeededRanks): { counts: Int32Array; outcomes: number[][] } {
  const places = new Map<string, number>();
  const outcomes: number[][] = [];
  const counts: number[] = [];
  for (let user = 0; user < ranks[0].length; user++) {
    const own = ranks.map((seed) => seed[user]);
    const key = own.join();
    const place = places.get(key) ?? outcomes.push(own) - 1;
    places.set(key, place);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { counts: Int32Array.from(counts), outcomes };
}

function meanOfValues(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
