/**
 * Metrics of a list for a user with one target (leave-one-out), from the rank of the target.
 *
 * `rank` is 1 for the first place; 0 or Infinity says the target is not in the list. Means over users of these are
 * what tables print. With one target recall equals hit rate and MAP equals MRR; each keeps its own name here because
 * tables of the field use them all. Definitions: Järvelin & Kekäläinen 2002 (NDCG), Manning et al. 2008 ch. 8 (others).
 */

/** 1 when the target is among the first k, of the one target there is to find. */
export function recallAtK(rank: number, k: number): number {
  return rank >= 1 && rank <= k ? 1 : 0;
}

/** 1 when any target, here the only one, is among the first k. */
export function hitRateAtK(rank: number, k: number): number {
  return recallAtK(rank, k);
}

/** Share of the first k places that hold a target: 1/k for a hit. */
export function precisionAtK(rank: number, k: number): number {
  return recallAtK(rank, k) / k;
}

/** 1 / log2(rank + 1) for a hit; the ideal list has the target first, so its gain is 1. */
export function ndcgAtK(rank: number, k: number): number {
  return recallAtK(rank, k) === 1 ? 1 / Math.log2(rank + 1) : 0;
}

/** 1 / rank for a hit. */
export function mrrAtK(rank: number, k: number): number {
  return recallAtK(rank, k) === 1 ? 1 / rank : 0;
}

/** Average precision over the one target: its precision at its own rank. */
export function mapAtK(rank: number, k: number): number {
  return mrrAtK(rank, k);
}

/** Every metric of one user's rank, under the name that tables give it (`recall` is `recall@10` at k = 10). */
export const rankMetrics = {
  recall: recallAtK,
  ndcg: ndcgAtK,
  hitRate: hitRateAtK,
  mrr: mrrAtK,
  precision: precisionAtK,
  map: mapAtK,
} as const satisfies Record<string, (rank: number, k: number) => number>;

export type RankMetric = keyof typeof rankMetrics;

/** A metric of a rank with its cut-off, as tables write it: `ndcg@10`. */
export type MetricName = `${RankMetric}@${number}`;

/**
 * The value of a named metric for a rank.
 *
 * @param width  length of the lists that the rank was found in, when known: no cut-off can look further
 * @throws RangeError when the name is no metric of a rank, or its k is no integer in [1, width]
 */
export function metricOf(name: MetricName, width = Infinity): (rank: number) => number {
  const [metric, cutOff] = name.split('@');
  const k = Number(cutOff);
  const isMetric = (word: string): word is RankMetric => Object.hasOwn(rankMetrics, word);
  if (!isMetric(metric) || !Number.isInteger(k) || k < 1 || k > width) {
    throw new RangeError(
      `eval: metric must be one of ${Object.keys(rankMetrics).join(', ')} at a k from 1 to ${width}, got ${name}; write for example ndcg@10`,
    );
  }
  return (rank) => rankMetrics[metric](rank, k);
}

/**
 * How often each item of the catalogue stands among the first k of a list.
 *
 * @param lists  [users*width] item ids; entries that are no item are not counted
 * @returns [N] counts
 */
export function countListed(lists: Int32Array, width: number, k: number, numItems: number): Int32Array {
  const counts = new Int32Array(numItems);
  for (let start = 0; start < lists.length; start += width) {
    for (let place = start; place < start + Math.min(k, width); place++) {
      if (lists[place] >= 0 && lists[place] < numItems) counts[lists[place]]++;
    }
  }
  return counts;
}

/** Share of the catalogue that stands among the first k of at least one list: in [0, 1]. */
export function coverageAtK(lists: Int32Array, width: number, k: number, numItems: number): number {
  return countListed(lists, width, k, numItems).reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0) / numItems;
}

/**
 * Entries among the first k of each list that are no recommendation: -1, no item of the catalogue, or an item
 * that the list already has. Divided by k and averaged over users this is the invalid-ID rate.
 *
 * @param lists  [users*width] item ids
 * @returns [users] counts in [0, k]
 */
export function countInvalid(lists: Int32Array, width: number, k: number, numItems: number): Int32Array {
  const counts = new Int32Array(lists.length / width);
  const lastSeen = new Int32Array(numItems).fill(-1); // the list an item was last met in
  for (let user = 0; user < counts.length; user++) {
    for (let place = 0; place < Math.min(k, width); place++) {
      const item = lists[user * width + place];
      if (item < 0 || item >= numItems || lastSeen[item] === user) counts[user]++;
      else lastSeen[item] = user;
    }
  }
  return counts;
}

/** Mean share of the first k entries that are no recommendation (see `countInvalid`): in [0, 1]. */
export function invalidIdRateAtK(lists: Int32Array, width: number, k: number, numItems: number): number {
  const counts = countInvalid(lists, width, k, numItems);
  return counts.length === 0 ? 0 : counts.reduce((sum, count) => sum + count, 0) / (counts.length * k);
}
