import { type BootstrapOptions, bootstrapInterval, countRanks, type Interval, resampleCounts } from './confidence.js';
import type { Evaluation } from './evaluate.js';
import { type MetricName, metricOf } from './metrics.js';

/** A part of the users, by something about their case. */
export interface Slice {
  name: string;
  /** What puts a user here, in words for the results table. */
  definition: string;
  /** Places in the evaluation's arrays. */
  places: Int32Array;
}

export interface SliceResult {
  name: string;
  definition: string;
  users: number;
  /** By metric name; empty when no user is in the slice. */
  metrics: Partial<Record<MetricName, Interval>>;
}

/** Shares of the catalogue that count as head and, with it, as middle. */
const headShare = 0.2;
const middleShare = 0.5;

/**
 * Users by how often their target occurs in training: head, middle, tail, and cold for targets that never do.
 *
 * Items that occur are ranked by interactions (ties: lower id); head is the first 20 % of them, middle the next 30 %,
 * tail the rest.
 *
 * @param trainCounts  [N] interactions of each item in the training part
 */
export function sliceByTargetFrequency({ targets }: Pick<Evaluation, 'targets'>, trainCounts: Int32Array): Slice[] {
  const byCount = Array.from(trainCounts.keys())
    .filter((item) => trainCounts[item] > 0)
    .sort((a, b) => trainCounts[b] - trainCounts[a] || a - b);
  const numHead = Math.ceil(headShare * byCount.length);
  const numMiddle = Math.ceil(middleShare * byCount.length);
  const sliceOfItem = new Int8Array(trainCounts.length).fill(3);
  for (const [rank, item] of byCount.entries()) sliceOfItem[item] = rank < numHead ? 0 : rank < numMiddle ? 1 : 2;
  return [
    { name: 'head', definition: 'target among the 20 % of training items with most interactions' },
    { name: 'middle', definition: 'target among the next 30 %' },
    { name: 'tail', definition: 'target among the remaining 50 %' },
    { name: 'cold', definition: 'target never occurs in training' },
  ].map((slice, number) => ({ ...slice, places: placesWhere(targets, (target) => sliceOfItem[target] === number) }));
}

/**
 * Users by the length of their whole history.
 *
 * @param starts  smallest length of each slice but the first, rising
 */
export function sliceByHistoryLength(
  { historyLengths }: Pick<Evaluation, 'historyLengths'>,
  starts: readonly number[] = [5, 10, 20],
): Slice[] {
  return [0, ...starts].map((start, number) => {
    const end = number < starts.length ? starts[number] : Infinity;
    const name = end === Infinity ? `${start} and more` : start === end - 1 ? `${start}` : `${start}-${end - 1}`;
    return {
      name: number === 0 && end !== Infinity ? `up to ${end - 1}` : name,
      definition: 'items in the history',
      places: placesWhere(historyLengths, (length) => length >= start && length < end),
    };
  });
}

/** Metrics of each slice, each with its interval over the slice's users. */
export function evaluateSlices(
  { ranks, k }: Pick<Evaluation, 'ranks' | 'k'>,
  slices: readonly Slice[],
  metrics: readonly MetricName[],
  options: BootstrapOptions,
): SliceResult[] {
  return slices.map(({ name, definition, places }) => {
    if (places.length === 0) return { name, definition, users: 0, metrics: {} };
    const counts = countRanks(
      places.map((place) => ranks[place]),
      k,
    );
    const resampled = resampleCounts(counts, options);
    const intervals = metrics.map((metric) => [metric, bootstrapInterval(counts, resampled, metricOf(metric, k))]);
    return { name, definition, users: places.length, metrics: Object.fromEntries(intervals) };
  });
}

function placesWhere(values: Int32Array, isInside: (value: number) => boolean): Int32Array {
  return Int32Array.from(values.keys()).filter((place) => isInside(values[place]));
}
