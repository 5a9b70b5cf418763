import {
  type BootstrapOptions,
  bootstrapInterval,
  countRanks,
  coverageInterval,
  type Interval,
  resampleCounts,
} from './confidence.js';
import type { Evaluation } from './evaluate.js';
import { countInvalid, type MetricName, rankMetrics } from './metrics.js';
import { compareModels, type PairedDifference } from './significance.js';
import { evaluateSlices, type Slice, type SliceResult } from './slices.js';

/** The declared switches of the protocol. */
export interface Protocol {
  /** Order of a user's interactions that share a timestamp. */
  ties: 'file' | 'shuffled';
  historyMask: 'on' | 'off';
  /** Items of a history that a model reads, counted from its end; models of the user-item matrix read all. */
  maxHistory?: number;
  /** How the test part was held out, where it is not leave-one-out, and what lists are asked for. */
  split?: string;
  /** Whose conventions the metrics follow, where they are a named system's. */
  conventions?: string;
  /** What means and intervals are over, where it is not users: rows held out, each of which is asked about. */
  unit?: 'event';
}

export interface DatasetSummary {
  name: string;
  /** `sample` is synthetic data that stands in for the dataset; no result on it is one on the dataset. */
  source: 'files' | 'download' | 'sample';
  users: number;
  items: number;
  interactions: number;
}

/** One model under one variant of the protocol. */
export interface ModelResult {
  name: string;
  /** Users evaluated. */
  users: number;
  /** Present when it differs from the table's. */
  protocol?: Protocol;
  /** What the model was fitted on, its hyperparameters. */
  parameters: Readonly<Record<string, string | number | boolean>>;
  /** `recall@10`, `ndcg@10`, `hitRate@10`, `mrr@10`, `precision@10`, `map@10`, `coverage@10`, `invalidIdRate@10` ... */
  metrics: Record<string, Interval>;
  slices?: SliceResult[];
  /** Users whose target is in their own history, when there are any: out of reach under the mask. */
  repeatedTargets?: number;
}

/** The content of `metrics.json`. */
export interface ResultsTable {
  run: string;
  dataset: DatasetSummary;
  split: 'test' | 'validation';
  protocol: Protocol;
  seed: number;
  models: ModelResult[];
  /** Each model against the reference of its protocol variant. */
  comparisons: (PairedDifference & { protocol?: Protocol })[];
}

/** A metric of all lists together, of which there is one value and no interval: low and high are NaN, null in JSON. */
export function withoutInterval(mean: number): Interval {
  return { mean, low: Number.NaN, high: Number.NaN };
}

/** An evaluation to go into the table. */
export interface ResultsEntry {
  evaluation: Evaluation;
  /** Where it is not the table's. */
  ties?: Protocol['ties'];
  slices?: readonly Slice[];
}

export interface BuildResultsOptions extends Pick<ResultsTable, 'run' | 'dataset' | 'split' | 'protocol' | 'seed'> {
  entries: readonly ResultsEntry[];
  /** Name of the model to compare with; `tiger` where it was evaluated, else the model with the highest NDCG. */
  reference?: string;
  resamples?: number;
}

/** Mean recall and NDCG of an evaluation at each of its k, as validation during training needs them. */
export function meanMetrics({ ranks, ks }: Pick<Evaluation, 'ranks' | 'ks'>): Record<string, number> {
  const mean = (metric: 'recall' | 'ndcg', k: number) =>
    ranks.reduce((sum, rank) => sum + rankMetrics[metric](rank, k), 0) / ranks.length;
  return Object.fromEntries(
    ks.flatMap((k) => (['recall', 'ndcg'] as const).map((metric) => [`${metric}@${k}`, mean(metric, k)])),
  );
}

/** Metrics of one evaluation, at each of its k, with 95 % intervals. */
export function summarizeEvaluation(evaluation: Evaluation, options: BootstrapOptions): Record<string, Interval> {
  const { ranks, lists, k: width, ks, numItems } = evaluation;
  const counts = countRanks(ranks, width);
  const resampled = resampleCounts(counts, options);
  const metrics: Record<string, Interval> = {};
  for (const [name, metric] of Object.entries(rankMetrics)) {
    for (const k of ks) metrics[`${name}@${k}`] = bootstrapInterval(counts, resampled, (rank) => metric(rank, k));
  }
  for (const k of ks) metrics[`coverage@${k}`] = coverageInterval(lists, width, k, numItems);
  for (const k of ks) {
    const invalid = countRanks(countInvalid(lists, width, k, numItems), k); // users by number of invalid entries
    metrics[`invalidIdRate@${k}`] = bootstrapInterval(invalid, resampleCounts(invalid, options), (count) => count / k);
  }
  return metrics;
}

/**
 * The results table of a run: one row per model and protocol variant, in the order of the entries, and the paired
 * differences (recall and NDCG at the k nearest to 10) of each model to its variant's reference.
 *
 * @throws RangeError when two entries have the same name and protocol
 */
export function buildResults(options: BuildResultsOptions): ResultsTable {
  const { run, dataset, split, protocol, seed, entries, reference, resamples } = options;
  const bootstrap = { seed, ...(resamples !== undefined && { resamples }) };
  const variants = new Map<string, Evaluation[]>();
  const models = entries.map(({ evaluation, ties = protocol.ties, slices }): ModelResult => {
    const { name, users, parameters, maskHistory, repeatedTargets } = evaluation;
    const own: Protocol = { ...protocol, ties, historyMask: maskHistory ? 'on' : 'off' };
    const variant = JSON.stringify(own);
    const evaluations = variants.get(variant) ?? [];
    if (evaluations.some((other) => other.name === name)) {
      throw new RangeError(
        `eval: rows of a results table must differ in name or protocol, got ${name} twice under ${variant}; give the recommender another name`,
      );
    }
    variants.set(variant, [...evaluations, evaluation]);
    return {
      name,
      users: users.length,
      ...(variant !== JSON.stringify(protocol) && { protocol: own }),
      parameters,
      metrics: summarizeEvaluation(evaluation, bootstrap),
      ...(slices && { slices: evaluateSlices(evaluation, slices, comparedMetrics(evaluation), bootstrap) }),
      ...(repeatedTargets > 0 && { repeatedTargets }),
    };
  });
  const comparisons = [...variants].flatMap(([variant, evaluations]) => {
    const own: Protocol = JSON.parse(variant);
    const against = chooseReference(evaluations, reference);
    return evaluations
      .filter((evaluation) => evaluation !== against)
      .flatMap((evaluation) => compareModels(evaluation, against, comparedMetrics(evaluation), bootstrap))
      .map((difference) => ({ ...difference, ...(variant !== JSON.stringify(protocol) && { protocol: own }) }));
  });
  return { run, dataset, split, protocol, seed, models, comparisons };
}

/** The k nearest to 10, which is what the field compares at. */
export function comparedCutOff(ks: readonly number[]): number {
  return ks.reduce((nearest, other) => (Math.abs(other - 10) < Math.abs(nearest - 10) ? other : nearest));
}

/** Recall and NDCG at that cut-off. */
function comparedMetrics({ ks }: Evaluation): MetricName[] {
  const k = comparedCutOff(ks);
  return [`recall@${k}`, `ndcg@${k}`];
}

function chooseReference(evaluations: readonly Evaluation[], name = 'tiger'): Evaluation {
  const ndcg = ({ ranks, k }: Evaluation) =>
    ranks.reduce((sum, rank) => sum + rankMetrics.ndcg(rank, Math.min(10, k)), 0);
  return (
    evaluations.find((evaluation) => evaluation.name === name) ??
    evaluations.reduce((best, other) => (ndcg(other) > ndcg(best) ? other : best))
  );
}
