import { createGenerator, createKey, type Generator } from '@codebeam/random';
import { countListed } from './metrics.js';

/** A mean over users and its 95 % interval. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
}

export interface BootstrapOptions {
  seed: number;
  /** 1,000 when not given. */
  resamples?: number;
}

const defaultResamples = 1000;

/**
 * Draws as many users as there are, with replacement, again and again, and counts their outcomes each time.
 *
 * Users with the same outcome (say, the target at rank 3) are alike to every mean over users, so their counts are all
 * a bootstrap needs (Efron & Tibshirani 1993, ch. 6): a multinomial draw, made of one binomial per outcome.
 *
 * @param counts  [outcomes] users with each outcome
 * @returns `resamples` arrays [outcomes], each with the sum of `counts`
 */
export function resampleCounts(counts: Int32Array, options: BootstrapOptions): Int32Array[] {
  return Array.from(drawCounts(counts, options));
}

/** What `resampleCounts` returns, one by one. */
function* drawCounts(
  counts: Int32Array,
  { seed, resamples = defaultResamples }: BootstrapOptions,
): Iterable<Int32Array> {
  const generator = createGenerator(createKey(seed, 'sample'));
  const users = counts.reduce((sum, count) => sum + count, 0);
  // The commonest outcome, mostly a miss, comes last: it is what the others leave, and costs nothing.
  const occurring = Array.from(counts.keys()).filter((outcome) => counts[outcome] > 0);
  const order = occurring.sort((a, b) => counts[a] - counts[b] || a - b);
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = new Int32Array(counts.length);
    let toDraw = users;
    let others = users; // users with outcomes yet to come
    for (const outcome of order) {
      drawn[outcome] = drawBinomial(generator, toDraw, counts[outcome] / others);
      toDraw -= drawn[outcome];
      others -= counts[outcome];
    }
    yield drawn;
  }
}

/** Successes in n trials of chance p, by inversion: walks up from 0, so its time is about n * p. */
function drawBinomial(generator: Generator, n: number, p: number): number {
  if (p > 0.5) return n - drawBinomial(generator, n, 1 - p);
  if (n * p > 500) {
    // The chance of 0 successes would underflow.
    const half = Math.floor(n / 2);
    return drawBinomial(generator, half, p) + drawBinomial(generator, n - half, p);
  }
  const odds = p / (1 - p);
  let chance = (1 - p) ** n;
  let left = generator.uniform();
  let successes = 0;
  while (left >= chance && successes < n) {
    left -= chance;
    successes++;
    chance *= (odds * (n - successes + 1)) / successes;
  }
  return successes;
}

/** The mean of `value` over users whose outcomes are counted. */
export function meanOf(counts: Int32Array, value: (outcome: number) => number): number {
  let sum = 0;
  let users = 0;
  for (let outcome = 0; outcome < counts.length; outcome++) {
    if (counts[outcome] === 0) continue;
    sum += counts[outcome] * value(outcome);
    users += counts[outcome];
  }
  return sum / users;
}

/**
 * Mean and 95 % percentile bootstrap interval of `value` over users. Several metrics of one model share the resamples.
 *
 * @param resampled  what `resampleCounts` made of `counts`
 */
export function bootstrapInterval(
  counts: Int32Array,
  resampled: readonly Int32Array[],
  value: (outcome: number) => number,
): Interval {
  const values = Float64Array.from({ length: counts.length }, (_, outcome) => value(outcome));
  const meanOfValues = (drawn: Int32Array) => meanOf(drawn, (outcome) => values[outcome]);
  return intervalOf(meanOfValues(counts), resampled.map(meanOfValues));
}

/** A mean and, from the means of its resamples in any order, what 95 % of them lie between. */
export function intervalOf(mean: number, means: readonly number[]): Interval {
  const rising = Float64Array.from(means).sort();
  return { mean, low: quantile(rising, 0.025), high: quantile(rising, 0.975) };
}

/**
 * Mean and interval of any values per user, such as those of `rankingMetrics`; NaN is left out. Equal values are one outcome.
 *
 * @throws RangeError when there is no value
 */
export function bootstrapMean(values: Float64Array, options: BootstrapOptions): Interval {
  const { mean, means } = resampleMeans(values, options);
  return intervalOf(mean, means);
}

/** Where more of the values than this are distinct, drawing users one by one takes less time than their counts. */
const distinctShare = 0.5;

/**
 * The mean of values per user, NaN left out, and those of as many users drawn with replacement, again and again. Resamples are not
 * kept: of values that all differ, each is as long as the values.
 *
 * @returns means [resamples]
 * @throws RangeError when there is no value
 */
export function resampleMeans(values: Float64Array, options: BootstrapOptions): { mean: number; means: number[] } {
  const { counts, outcomes } = countValues(values);
  const meanOfOutcomes = (drawn: Int32Array) => meanOf(drawn, (outcome) => outcomes[outcome]);
  const mean = meanOfOutcomes(counts);
  const told = values.filter((value) => !Number.isNaN(value));
  if (outcomes.length <= distinctShare * told.length) {
    return { mean, means: Array.from(drawCounts(counts, options), meanOfOutcomes) };
  }
  const { seed, resamples = defaultResamples } = options;
  const generator = createGenerator(createKey(seed, 'sample'));
  const meanOfDraw = () => {
    let sum = 0;
    for (let draw = 0; draw < told.length; draw++) sum += told[generator.integer(told.length)];
    return sum / told.length;
  };
  return { mean, means: Array.from({ length: resamples }, meanOfDraw) };
}

/** Distinct values, rising, and how often each occurs. */
export function countValues(values: Float64Array): { counts: Int32Array; outcomes: Float64Array } {
  const rising = values.filter((value) => !Number.isNaN(value)).sort();
  if (rising.length === 0) throw new RangeError('eval: values must be at least one, got none; evaluate on more users');
  const outcomes = rising.filter((value, i) => value !== rising[i - 1]);
  const counts = new Int32Array(outcomes.length);
  let outcome = 0;
  for (const value of rising) {
    if (value !== outcomes[outcome]) outcome++;
    counts[outcome]++;
  }
  return { counts, outcomes };
}

/**
 * Users by rank: entry r counts the targets found at rank r, entry 0 those that were not.
 *
 * @returns [k+1] counts
 */
export function countRanks(ranks: ArrayLike<number>, k: number): Int32Array {
  const counts = new Int32Array(k + 1);
  for (let user = 0; user < ranks.length; user++) counts[ranks[user] <= k ? ranks[user] : 0]++;
  return counts;
}

/**
 * Interval of catalogue coverage. A resample of users leaves some out and so covers less than all of them did, hence
 * no bootstrap but the delete-one jackknife: mean +/- 1.96 standard errors (Efron & Tibshirani 1993, ch. 11), in [0, 1].
 *
 * @param lists  [users*width] item ids
 */
export function coverageInterval(lists: Int32Array, width: number, k: number, numItems: number): Interval {
  const counts = countListed(lists, width, k, numItems);
  const users = lists.length / width;
  const covered = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  let sum = 0; // of the items that only one user's list has, over users
  let squares = 0;
  for (let start = 0; start < lists.length; start += width) {
    const own = lists.subarray(start, start + Math.min(k, width)).filter((item) => counts[item] === 1).length;
    sum += own;
    squares += own * own;
  }
  const error = Math.sqrt(((users - 1) / users) * Math.max(0, squares - (sum * sum) / users)) / numItems;
  const mean = covered / numItems;
  return { mean, low: Math.max(0, mean - 1.96 * error), high: Math.min(1, mean + 1.96 * error) };
}

/** Quantile of rising values, linear between neighbours. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
