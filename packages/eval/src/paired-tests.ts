import { compiled, incbet, incbi, ndtr, ndtri } from 'cephes';
import type { Interval } from './confidence.js';
import { differencesOf } from './significance.js';

// The functions are WebAssembly, which a module has to wait for.
await compiled;

export interface TestResult {
  statistic: number;
  /** Two-sided, of the hypothesis that there is no difference. */
  pValue: number;
}

/** Of a difference of means: its value and interval besides, of 95 % where nothing else is said. */
export interface MeanTest extends TestResult {
  degreesOfFreedom: number;
  difference: Interval;
}

/**
 * Paired t-test of two models' values of the same users, those left out of whom one says NaN.
 *
 * @throws RangeError when they are not as many, or fewer than two pairs are left
 */
export function pairedTTest(model: Float64Array, reference: Float64Array): MeanTest {
  const sample = describeSample(pairsOf(model, reference));
  return tTest(sample.mean, sample.variance / sample.n, sample.n - 1);
}

/** Size, mean and variance (of a sample: divided by n - 1). */
export interface SampleSummary {
  n: number;
  mean: number;
  variance: number;
}

/**
 * Welch's t-test of two independent groups that may differ in variance, as an A/B test compares treatment with control.
 * Degrees of freedom by Welch-Satterthwaite.
 *
 * @param options.alpha  what the interval leaves out; .05 makes it one of 95 %
 * @returns treatment - control, also in percent of the control's mean
 * @throws RangeError when a group has fewer than two values
 */
export function welchTest(
  treatment: SampleSummary,
  control: SampleSummary,
  { alpha = 0.05 }: { alpha?: number } = {},
): MeanTest & { percent: Interval } {
  const [a, b] = [treatment, control].map(({ n, variance }) => ({ n, error: variance / n }));
  if (!(a.n >= 2 && b.n >= 2)) {
    throw new RangeError(`eval: groups to test must have two values at least, got ${a.n} and ${b.n}; collect more`);
  }
  const degreesOfFreedom = (a.error + b.error) ** 2 / (a.error ** 2 / (a.n - 1) + b.error ** 2 / (b.n - 1));
  const result = tTest(treatment.mean - control.mean, a.error + b.error, degreesOfFreedom, alpha);
  const percentOf = (value: number) => (100 * value) / control.mean;
  const { mean, low, high } = result.difference;
  const ends = [percentOf(low), percentOf(high)].sort((x, y) => x - y);
  return { ...result, percent: { mean: percentOf(mean), low: ends[0], high: ends[1] } };
}

/** Size, mean and variance of values, those that are NaN left out. */
export function describeSample(values: Float64Array): SampleSummary {
  const told = values.filter((value) => !Number.isNaN(value));
  const mean = told.reduce((sum, value) => sum + value, 0) / told.length;
  const squares = told.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n: told.length, mean, variance: squares / (told.length - 1) };
}

/** The t-test of a mean with this squared standard error against 0. */
function tTest(mean: number, squaredError: number, degreesOfFreedom: number, alpha = 0.05): MeanTest {
  const error = Math.sqrt(squaredError);
  if (error === 0) return certain(mean, degreesOfFreedom);
  const statistic = mean / error;
  // Student's t by the incomplete beta function, which unlike the library's own takes fractional degrees of freedom.
  const tail = incbet(degreesOfFreedom / 2, 0.5, degreesOfFreedom / (degreesOfFreedom + statistic ** 2));
  const x = incbi(degreesOfFreedom / 2, 0.5, alpha);
  const reach = Math.sqrt((degreesOfFreedom * (1 - x)) / x) * error;
  return {
    statistic,
    pValue: tail,
    degreesOfFreedom,
    difference: { mean, low: mean - reach, high: mean + reach },
  };
}

/** Values that do not vary leave no doubt about their mean. */
function certain(mean: number, degreesOfFreedom: number): MeanTest {
  const isNone = mean === 0;
  const difference = { mean, low: mean, high: mean };
  return { statistic: isNone ? 0 : mean * Infinity, pValue: isNone ? 1 : 0, degreesOfFreedom, difference };
}

/** The value that a standard normal variable stays below with this probability, in (0, 1). */
export function normalQuantile(probability: number): number {
  if (probability > 0 && probability < 1) return ndtri(probability);
  throw new RangeError(`eval: probability of a quantile must be in (0, 1), got ${probability}; 0.975 is usual`);
}

export interface WilcoxonOptions {
  /** Moves the statistic half a rank toward its mean where the normal approximation is used. Default false. */
  continuity?: boolean;
}

/**
 * Wilcoxon's signed-rank test of paired values, two-sided, as SciPy 1.17 does by default: pairs that are equal are
 * dropped; the p-value is exact for up to 50 pairs without ties or equal pairs and for up to 13 with them, else normal with
 * the variance corrected for ties, and without the continuity correction unless asked for.
 *
 * @returns statistic: the smaller sum of ranks. pValue 1 when all pairs are equal
 * @throws RangeError when they are not as many, or fewer than two pairs are left
 */
export function wilcoxonTest(
  model: Float64Array,
  reference: Float64Array,
  { continuity = false }: WilcoxonOptions = {},
): TestResult {
  const differences = pairsOf(model, reference);
  const rising = differences.filter((value) => value !== 0).sort((a, b) => Math.abs(a) - Math.abs(b));
  if (rising.length === 0) return { statistic: 0, pValue: 1 };
  const ranks = midRanks(rising.map(Math.abs));
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const above = ranks.reduce((sum, rank, i) => (rising[i] > 0 ? sum + rank : sum), 0);
  const statistic = Math.min(above, total - above);
  const isTied = rising.length < differences.length || ranks.some((rank, i) => rank !== i + 1);
  const isExact = differences.length <= (isTied ? 13 : 50);
  return { statistic, pValue: isExact ? exactTail(ranks, statistic) : normalTail(ranks, statistic, continuity) };
}

/** Ranks of rising values from 1, equal ones sharing their mean. */
function midRanks(rising: Float64Array): Float64Array {
  const ranks = new Float64Array(rising.length);
  for (let start = 0, end: number; start < rising.length; start = end) {
    end = start + 1;
    while (end < rising.length && rising[end] === rising[start]) end++;
    ranks.fill((start + 1 + end) / 2, start, end);
  }
  return ranks;
}

/** Twice the chance that signs drawn at random give a sum of ranks of `statistic` or less. */
function exactTail(ranks: Float64Array, statistic: number): number {
  const doubled = ranks.map((rank) => 2 * rank); // whole numbers
  const ways = new Float64Array(doubled.reduce((sum, rank) => sum + rank, 0) + 1);
  ways[0] = 1;
  for (const rank of doubled) for (let sum = ways.length - 1; sum >= rank; sum--) ways[sum] += ways[sum - rank];
  const below = ways.subarray(0, 2 * statistic + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * below) / 2 ** ranks.length);
}

function normalTail(ranks: Float64Array, statistic: number, continuity: boolean): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  // The sum of squared ranks is n (n + 1) (2 n + 1) / 6 less what ties take from it.
  const deviation = Math.sqrt(ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4);
  const distance = Math.max(0, mean - statistic - (continuity ? 0.5 : 0));
  return 2 * ndtr(-distance / deviation);
}

/** As many differences as a test needs. */
function pairsOf(model: Float64Array, reference: Float64Array): Float64Array {
  const differences = differencesOf(model, reference);
  if (differences.length < 2) {
    throw new RangeError(`eval: pairs to test must be two at least, got ${differences.length}; evaluate on more users`);
  }
  return differences;
}
