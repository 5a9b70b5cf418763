/** How items of equal score rank. The first three give them one shared rank and leave the list in order of item id. */
export const tieRules = ['standard', 'conservative', 'median', 'random', 'lowest-id'] as const;
/** Whether a user's training items leave the list before it is cut. */
export const maskRules = ['seen', 'none'] as const;
export const presetNames = ['warprec', 'recbole', 'gru4rec'] as const;

export type TieRule = (typeof tieRules)[number];
export type MaskRule = (typeof maskRules)[number];
export type PresetName = (typeof presetNames)[number];

/** Metrics with a cut-off, printed as `ndcg@10`. `fScore` is printed as `f1@10` at beta 1. */
export const cutOffMetrics = [
  'recall',
  'precision',
  'fScore',
  'hitRate',
  'mrr',
  'map',
  'mar',
  'ndcg',
  'lauc',
  'epc',
  'efd',
  'arp',
  'aplt',
  'aclt',
  'coverage',
  'gini',
  'entropy',
  'popReo',
  'popRsp',
] as const;
/** Metrics of whole lists or of ratings, printed as they are. */
export const wholeMetrics = ['auc', 'gauc', 'mae', 'mse', 'rmse'] as const;

export type CutOffMetric = (typeof cutOffMetrics)[number];
export type RankingMetric = CutOffMetric | (typeof wholeMetrics)[number];

/**
 * What systems decide differently when they compute metrics of the same name. N is the number of items, T a user's
 * test items.
 */
export interface Conventions {
  /** nDCG's gain of a test item: 1, or 2^(rating + 1) - 1 with rating 1 where there is none. */
  gain: 'binary' | 'exp2';
  /**
   * The rank of a test item among items of its score, of which `above` score more and `tied` the same (itself included):
   * `standard` above + 1, `conservative` above + tied, `median` above + (tied + 1) / 2; `random` orders ties by the seed,
   * `lowest-id` by item id. A shared rank can let more test items into the first k than k.
   */
  ties: TieRule;
  mask: MaskRule;
  /** What a mean is over: users, or test rows, each the only test item of its user's list. */
  average: 'user' | 'event';
  /** The beta of the F-score: recall counts beta times as much as precision. */
  beta: number;
  /** Items that are listed: how many, or the share of N. */
  coverage: 'count' | 'fraction';
  /** Divisor of sum((2 j - N - 1) c_j) / sum(c), c the rising counts of listed items: N - 1 makes 1 the most. */
  giniDivisor: 'N' | 'N-1';
  /** Whether N of the Gini index and of the coverage counts a padding item besides, which nobody can be recommended. */
  padding: 'counted' | 'none';
  /** Shannon's entropy of the listed items in nats, or that divided by the number of distinct ones. */
  entropy: 'raw' | 'perItem';
  /** An item's popularity for ARP: users that met it in training, never below 1, or its rows there. */
  popularity: 'users' | 'rows';
  /** Items, most popular first, until they hold more than this share of training, are the head; the others the tail. */
  headShare: number;
  /**
   * The area under the ROC curve of a user: the share of pairs (test item, other item) in order, ties half, averaged
   * over users by their test items (`pairwise`); or the mean over test items of (n - r + c) / n, r items and among them
   * c test items before it, n one more than the other items, averaged over users alike (`inclusive`).
   */
  area: 'pairwise' | 'inclusive';
  /** Rating errors: over a user's rated items and then over users, or over all rated test rows. */
  errors: 'user' | 'row';
  /** What is computed. */
  metrics: readonly RankingMetric[];
}

const warprec: Conventions = {
  gain: 'exp2',
  ties: 'lowest-id',
  mask: 'seen',
  average: 'user',
  beta: 1,
  coverage: 'count',
  giniDivisor: 'N-1',
  padding: 'none',
  entropy: 'raw',
  popularity: 'users',
  headShare: 0.8,
  area: 'inclusive',
  errors: 'user',
  metrics: [...cutOffMetrics, ...wholeMetrics],
};

/** Areas under a curve, which need whole lists. */
const areas: readonly RankingMetric[] = ['auc', 'gauc', 'lauc'];

/**
 * The conventions of three systems, read from their sources: WarpRec 1.4.6, RecBole 1.2.1 (general models) and the
 * official GRU4Rec. Ties of the first two follow a top-k that promises no order; `lowest-id` stands for it. RecBole
 * counts a padding item into N; its GAUC reads all scores, which lists seldom hold, and has to be asked for, as have its
 * `popularity: rows` and `errors: row`, so that what two presets tell of the same lists differs by what is named here.
 * GRU4Rec has recall and MRR alone. What RecBole or GRU4Rec has no convention for follows WarpRec.
 */
export const presets: Readonly<Record<PresetName, Conventions>> = {
  warprec,
  recbole: {
    ...warprec,
    gain: 'binary',
    coverage: 'fraction',
    giniDivisor: 'N',
    padding: 'counted',
    entropy: 'perItem',
    area: 'pairwise',
    metrics: warprec.metrics.filter((metric) => !areas.includes(metric)),
  },
  gru4rec: {
    ...warprec,
    gain: 'binary',
    ties: 'standard',
    mask: 'none',
    average: 'event',
    metrics: ['recall', 'mrr'],
  },
};
