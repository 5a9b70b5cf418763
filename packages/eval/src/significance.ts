import {
  type BootstrapOptions,
  countValues,
  type Interval,
  intervalOf,
  meanOf,
  resampleCounts,
  resampleMeans,
} from './confidence.js';
import type { Evaluation } from './evaluate.js';
import { type MetricName, metricOf } from './metrics.js';

/** What a model's mean has over a reference's, on the same users. */
export interface PairedDifference {
  model: string;
  reference: string;
  metric: MetricName;
  users: number;
  /** model - reference */
  difference: Interval;
  /** Two-sided, of the hypothesis that there is no difference; never below 2 / (resamples + 1). */
  pValue: number;
}

/**
 * Paired bootstrap of two models over users: each resample draws users, and with a user both of the user's ranks. What
 * makes a user hard for both cancels, so differences show that the two intervals side by side would hide.
 *
 * Efron & Tibshirani 1993, ch. 8 and 16; used for rankings since Sakai 2006.
 *
 * @throws RangeError when the two were not evaluated on the same users and targets, or a metric is none
 */
export function compareModels(
  model: Evaluation,
  reference: Evaluation,
  metrics: readonly MetricName[],
  options: BootstrapOptions,
): PairedDifference[] {
  const isSame = (a: Int32Array, b: Int32Array) => a.length === b.length && a.every((value, at) => value === b[at]);
  if (!isSame(model.users, reference.users) || !isSame(model.targets, reference.targets)) {
    throw new RangeError(
      `eval: models to compare must have the same users and targets, got others for ${model.name} than for ${reference.name}; evaluate both on the same cases`,
    );
  }
  const width = Math.min(model.k, reference.k);
  const inside = (rank: number) => (rank <= width ? rank : 0);
  // A pair of ranks as one number: few of the (width + 1)^2 pairs occur, so only those are counted.
  const pairs = Float64Array.from(
    model.ranks,
    (rank, user) => inside(rank) * (width + 1) + inside(reference.ranks[user]),
  );
  const { counts, outcomes } = countValues(pairs);
  const resampled = resampleCounts(counts, options);
  return metrics.map((metric) => {
    const value = metricOf(metric, width);
    const gains = outcomes.map((pair) => value(Math.floor(pair / (width + 1))) - value(pair % (width + 1)));
    const tested = testGain(counts, resampled, (outcome) => gains[outcome]);
    return { model: model.name, reference: reference.name, metric, users: model.users.length, ...tested };
  });
}

/**
 * Paired bootstrap of any values per user, in the same order of users for both models; users of whom one says NaN are
 * left out.
 *
 * @throws RangeError when the two have not as many users, or none that both tell of
 */
export function compareValues(
  model: Float64Array,
  reference: Float64Array,
  options: BootstrapOptions,
): Pick<PairedDifference, 'difference' | 'pValue'> {
  const { mean, means } = resampleMeans(differencesOf(model, reference), options);
  return testMeans(mean, means);
}

/** model - reference of the users of whom both say something. */
export function differencesOf(model: Float64Array, reference: Float64Array): Float64Array {
  if (model.length !== reference.length) {
    throw new RangeError(
      `eval: models to compare must have the same users, got ${model.length} and ${reference.length}; evaluate both on the same cases`,
    );
  }
  return model.map((value, user) => value - reference[user]).filter((value) => !Number.isNaN(value));
}

/**
 * The mean of what outcomes gain, and how probable one as far from 0 would be if there were none.
 *
 * @param resampled  what `resampleCounts` made of `counts`
 */
export function testGain(
  counts: Int32Array,
  resampled: readonly Int32Array[],
  gain: (outcome: number) => number,
): Pick<PairedDifference, 'difference' | 'pValue'> {
  return testMeans(
    meanOf(counts, gain),
    resampled.map((drawn) => meanOf(drawn, gain)),
  );
}

/** @param means  [resamples] */
function testMeans(mean: number, means: readonly number[]): Pick<PairedDifference, 'difference' | 'pValue'> {
  const against = Math.min(means.filter((one) => one <= 0).length, means.filter((one) => one >= 0).length);
  return { difference: intervalOf(mean, means), pValue: Math.min(1, (2 * (against + 1)) / (means.length + 1)) };
}
