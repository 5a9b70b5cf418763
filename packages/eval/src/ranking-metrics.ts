import { packSequences, sequenceOf } from '@codebeam/data';
import { type Conventions, type CutOffMetric, cutOffMetrics, type RankingMetric } from './conventions.js';
import { catalogueMetrics, listMetrics, type Popularity, popularityOf } from './list-metrics.js';
import { ratingErrors } from './rating-errors.js';
import { type RankedTargets, type RankingInput, rankTargets } from './target-ranks.js';

/** Metrics of lists, one value per case and their means. */
export interface RankingMetrics {
  /** [cases] the user of each case: every user once, or once for every test row where the average is by event. */
  users: Int32Array;
  /** [cases] by metric (`recall@10`, `gauc`); NaN for a user without test items, or of whom a metric says nothing. */
  perUser: Record<string, Float64Array>;
  /** Means of those, and the metrics that only all lists together have; NaN where there is nothing to say. */
  overall: Record<string, number>;
}

/**
 * Every metric that the conventions name, at every cut-off.
 *
 * Accuracy is 0 for a user with test items and an empty list. Whoever has no test items counts nowhere, so coverage, Gini
 * index, entropy and popularity are of the lists of users with test items, as WarpRec and RecBole have it. Test items
 * that a list lacks are missed, in the area under the curve too, which therefore is exact for full lists and a lower
 * bound for others. Divisors are k, not the length of a short list, but for ARP and APLT, which are means over what is
 * listed.
 *
 * Järvelin & Kekäläinen 2002 (nDCG), Manning et al. 2008 ch. 8 (precision to MAP), Vargas & Castells 2011 (EPC, EFD),
 * Abdollahpouri et al. 2019 (ARP, APLT, ACLT), Zhu et al. 2020 (PopREO, PopRSP).
 *
 * @param ks  cut-offs, positive integers
 * @param seed  of the order of ties that are drawn
 * @throws RangeError when users differ in number, an item is outside [0, N), a list repeats one, or a cut-off is none
 */
export function rankingMetrics(
  input: RankingInput,
  conventions: Conventions,
  ks: readonly number[],
  seed = 0,
): RankingMetrics {
  if (ks.length === 0 || ks.some((k) => !Number.isInteger(k) || k < 1)) {
    throw new RangeError(`eval: ks must be positive integers, got [${ks}]; pass for example [5, 10, 20]`);
  }
  const cases = casesOf(input, conventions.average);
  const context: Context = {
    input,
    conventions,
    ks,
    ranked: rankTargets(input, conventions, Math.max(...ks), seed),
    popularity: popularityOf(input, conventions),
  };
  const result: RankingMetrics = { users: Int32Array.from(cases, ({ user }) => user), perUser: {}, overall: {} };
  addAccuracy(result, cases, context);
  addAreas(result, cases, context);
  addListMetrics(result, cases, context);
  const errors = ratingErrors(input.targets, cases, conventions.errors);
  for (const [metric, { perUser, mean }] of Object.entries(errors)) {
    if (!isWanted(metric, conventions)) continue;
    result.perUser[metric] = perUser;
    result.overall[metric] = mean;
  }
  return result;
}

function isWanted(metric: string, { metrics }: Conventions): boolean {
  return metrics.some((wanted) => wanted === metric);
}

/** One list and the test rows [start, end) that judge it. */
export interface RankingCase {
  user: number;
  start: number;
  end: number;
}

function casesOf({ targets: { offsets, items } }: RankingInput, average: Conventions['average']): RankingCase[] {
  const cases: RankingCase[] = [];
  for (let user = 0; user + 1 < offsets.length; user++) {
    const [start, end] = [offsets[user], offsets[user + 1]];
    if (average === 'event') for (let row = start; row < end; row++) cases.push({ user, start: row, end: row + 1 });
    else if (new Set(items.subarray(start, end)).size === end - start) cases.push({ user, start, end });
    else throw new RangeError(`eval: test items of a user must differ, got one twice for user ${user}; drop repeats`);
  }
  return cases;
}

interface Context {
  input: RankingInput;
  ranked: RankedTargets;
  popularity: Popularity;
  conventions: Conventions;
  ks: readonly number[];
}

/** The test items of a case that its list holds, best rank first. */
interface Hits {
  /** Test items, found or not. */
  relevant: number;
  ranks: number[];
  gains: number[];
  /** Gains of all test items, highest first. */
  idealGains: number[];
  /** Novelty of the items found, as EPC and as EFD has it. */
  unpopularity: number[];
  surprise: number[];
}

function hitsOf({ start, end }: RankingCase, { input, ranked, popularity, conventions }: Context): Hits {
  const { items, ratings } = input.targets;
  const rows = Array.from({ length: end - start }, (_, i) => start + i);
  const gain = (row: number) => gainOf(conventions.gain, ratings?.[row] ?? Number.NaN);
  const found = rows.filter((row) => ranked.ranks[row] < Infinity).sort((a, b) => ranked.ranks[a] - ranked.ranks[b]);
  return {
    relevant: rows.length,
    ranks: found.map((row) => ranked.ranks[row]),
    gains: found.map(gain),
    idealGains: rows.map(gain).sort((a, b) => b - a),
    unpopularity: found.map((row) => popularity.unpopularity[items[row]]),
    surprise: found.map((row) => popularity.surprise[items[row]]),
  };
}

/** Beyond it sums of 2^rating soon overflow; no scale of ratings is so long. */
const largestRating = 100;

function gainOf(gain: Conventions['gain'], rating: number): number {
  if (gain === 'binary') return 1;
  if (rating < 0 || rating > largestRating) {
    throw new RangeError(
      `eval: ratings must be from 0 to ${largestRating} under gain exp2, got ${rating}; use gain binary, or a scale of ratings`,
    );
  }
  return 2 ** ((Number.isNaN(rating) ? 1 : rating) + 1) - 1;
}

type AccuracyMetric = Extract<
  CutOffMetric,
  'recall' | 'precision' | 'fScore' | 'hitRate' | 'mrr' | 'map' | 'mar' | 'ndcg' | 'epc' | 'efd'
>;

/** What is the same for all cases at one cut-off. */
interface CutOff {
  k: number;
  beta: number;
  /** Sum of the discounts of the first k places. */
  discounts: number;
}

/** The value of each metric, of the first `hits` of the found items: those whose rank is within k. */
const accuracy: Record<AccuracyMetric, (found: Hits, hits: number, at: CutOff) => number> = {
  recall: ({ relevant }, hits) => hits / relevant,
  precision: (_, hits, { k }) => hits / k,
  fScore: ({ relevant }, hits, { k, beta }) => ((1 + beta ** 2) * hits) / (beta ** 2 * relevant + k),
  hitRate: (_, hits) => (hits > 0 ? 1 : 0),
  mrr: ({ ranks }, hits) => (hits > 0 ? 1 / ranks[0] : 0),
  map: ({ ranks, relevant }, hits, { k }) => sumUpTo(hits, (i) => (i + 1) / ranks[i]) / Math.min(relevant, k),
  mar: ({ relevant }, hits, { k }) => sumUpTo(hits, (i) => (i + 1) / relevant) / Math.min(relevant, k),
  ndcg: ({ ranks, gains, idealGains }, hits, { k }) =>
    sumUpTo(hits, (i) => gains[i] * discount(ranks[i])) /
    sumUpTo(Math.min(idealGains.length, k), (i) => idealGains[i] * discount(i + 1)),
  epc: ({ ranks, unpopularity }, hits, { discounts }) =>
    sumUpTo(hits, (i) => unpopularity[i] * discount(ranks[i])) / discounts,
  efd: ({ ranks, surprise }, hits, { discounts }) => sumUpTo(hits, (i) => surprise[i] * discount(ranks[i])) / discounts,
};

const discount = (rank: number) => 1 / Math.log2(rank + 1);

function sumUpTo(count: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += term(i);
  return sum;
}

/** What a metric is called among results: the F-score by its beta. */
export function nameOfMetric(metric: RankingMetric, { beta }: Pick<Conventions, 'beta'>): string {
  return metric === 'fScore' ? `f${beta}` : metric;
}

function addAccuracy(result: RankingMetrics, cases: readonly RankingCase[], context: Context): void {
  const { conventions, ks } = context;
  const found = cases.map((one) => hitsOf(one, context));
  const { beta } = conventions;
  const cutOffs = ks.map((k): CutOff => ({ k, beta, discounts: sumUpTo(k, (i) => discount(i + 1)) }));
  for (const metric of cutOffMetrics) {
    if (!isAccuracy(metric) || !isWanted(metric, conventions)) continue;
    const name = nameOfMetric(metric, conventions);
    for (const cutOff of cutOffs) {
      const { k } = cutOff;
      const values = Float64Array.from(found, (hits) => {
        if (hits.relevant === 0) return Number.NaN;
        return accuracy[metric](hits, countWithin(hits.ranks, k), cutOff);
      });
      addMean(result, `${name}@${k}`, values);
    }
  }
}

function isAccuracy(metric: CutOffMetric): metric is AccuracyMetric {
  return metric in accuracy;
}

function countWithin(ranks: readonly number[], k: number): number {
  let count = 0;
  while (count < ranks.length && ranks[count] <= k) count++;
  return count;
}

/** AUC over all test items, GAUC over users, LAUC of the first k places, by the convention `area`. */
function addAreas(result: RankingMetrics, cases: readonly RankingCase[], context: Context): void {
  const { conventions, ks } = context;
  const relevant = Float64Array.from(cases, ({ start, end }) => end - start);
  const areas = areasOf(cases, context, Infinity);
  const judged = relevant.filter((_, i) => !Number.isNaN(areas[i]));
  const byTargets = totalOf(areas) / totalOf(judged);
  if (isWanted('auc', conventions)) result.overall.auc = byTargets;
  if (isWanted('gauc', conventions)) {
    const shares = areas.map((area, i) => area / relevant[i]);
    addMean(result, 'gauc', shares);
    if (conventions.area === 'pairwise') result.overall.gauc = byTargets;
  }
  if (!isWanted('lauc', conventions)) return;
  for (const k of ks) {
    const shares = areasOf(cases, context, k).map((area, i) => area / Math.min(relevant[i], k));
    addMean(result, `lauc@${k}`, shares);
  }
}

/**
 * Sum over a case's test items of the area that each has below it, as far as it is within k.
 *
 * @returns [cases] NaN without test items, or when there is nothing else to rank
 */
function areasOf(cases: readonly RankingCase[], { ranked, conventions }: Context, k: number): Float64Array {
  const isPairwise = conventions.area === 'pairwise';
  const ranks = isPairwise ? ranked.midRanks : ranked.ranks;
  return Float64Array.from(cases, ({ user, start, end }) => {
    const reachable = ranked.masked.subarray(start, end).filter((masked) => masked === 0).length;
    const others = ranked.candidates[user] - reachable + (isPairwise ? 0 : 1);
    if (end === start || others < 1) return Number.NaN;
    const found = ranks.subarray(start, end).filter((rank) => rank <= k && rank < Infinity);
    // A test item passes all others but those before it: rank - 1 items, less the test items among them.
    return found.sort().reduce((sum, rank, earlier) => sum + (others - (rank - 1) + earlier) / others, 0);
  });
}

function addListMetrics(result: RankingMetrics, cases: readonly RankingCase[], context: Context): void {
  const { input, ranked, popularity, conventions, ks } = context;
  const { offsets } = input.targets;
  const lists = packSequences(
    Array.from(offsets.subarray(1), (end, user) =>
      end > offsets[user] ? sequenceOf(ranked.shown, user) : new Int32Array(0),
    ),
  );
  for (const k of ks) {
    for (const [metric, values] of Object.entries(listMetrics(lists, popularity, k))) {
      if (!isWanted(metric, conventions)) continue;
      const ofCases = Float64Array.from(cases, ({ user }) => values[user]);
      addMean(result, `${metric}@${k}`, ofCases);
    }
    const ofAll = catalogueMetrics({ ...input, lists }, popularity, conventions, k);
    for (const [metric, value] of Object.entries(ofAll)) {
      if (isWanted(metric, conventions)) result.overall[`${metric}@${k}`] = value;
    }
  }
}

function totalOf(values: Float64Array): number {
  return values.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0);
}

function addMean(result: RankingMetrics, name: string, values: Float64Array): void {
  result.perUser[name] = values;
  const told = values.filter((value) => !Number.isNaN(value));
  result.overall[name] = totalOf(told) / told.length;
}
