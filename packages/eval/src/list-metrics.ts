import { type Sequences, sequenceOf } from '@codebeam/data';
import type { Conventions } from './conventions.js';
import type { RankingInput, Targets } from './target-ranks.js';

/** What training says of each item: arrays of [N]. */
export interface Popularity {
  /** Users that met it, never below 1, or its rows: see `Conventions`. */
  counts: Float64Array;
  /** 1 for items of the long tail. */
  isTail: Uint8Array;
  /** 1 - share of the training users that met it. */
  unpopularity: Float64Array;
  /** -log2 of its share of all pairs of user and item. */
  surprise: Float64Array;
}

/** Popularity of the items in training. Users and items that meet many times are one pair. */
export function popularityOf(
  { train, numItems }: Pick<RankingInput, 'train' | 'numItems'>,
  { popularity, headShare }: Pick<Conventions, 'popularity' | 'headShare'>,
): Popularity {
  const rows = new Float64Array(numItems);
  const users = new Float64Array(numItems);
  const metBy = new Int32Array(numItems);
  let trained = 0;
  for (let user = 0; user + 1 < train.offsets.length; user++) {
    const own = sequenceOf(train, user);
    if (own.length > 0) trained++;
    for (const item of own) {
      rows[item]++;
      if (metBy[item] !== user + 1) users[item]++;
      metBy[item] = user + 1;
    }
  }
  const pairs = users.reduce((sum, count) => sum + count, 0);
  const met = users.map((count) => Math.max(1, count));
  const share = (count: number, of: number) => (of > 0 ? count / of : Number.NaN); // of no training there is none
  return {
    counts: popularity === 'rows' ? rows : met,
    isTail: tailOf(users, headShare * pairs),
    unpopularity: met.map((count) => 1 - share(count, trained)),
    surprise: met.map((count) => -Math.log2(share(count, pairs))),
  };
}

/** Head: the most popular items (ties: lower id) until they hold more than `headMass`, the last included. */
function tailOf(counts: Float64Array, headMass: number): Uint8Array {
  const isTail = new Uint8Array(counts.length).fill(1);
  const byCount = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b);
  let mass = 0;
  for (const item of byCount) {
    if (mass > headMass) break;
    isTail[item] = 0;
    mass += counts[item];
  }
  return isTail;
}

/**
 * Popularity of each user's first k: its mean (ARP), share (APLT) and number (ACLT) of items of the long tail.
 *
 * @returns [users] each; NaN for an empty list
 */
export function listMetrics(lists: Sequences, { counts, isTail }: Popularity, k: number) {
  const users = lists.offsets.length - 1;
  const metrics = { arp: new Float64Array(users), aplt: new Float64Array(users), aclt: new Float64Array(users) };
  for (let user = 0; user < users; user++) {
    const own = sequenceOf(lists, user).subarray(0, k);
    const tail = own.reduce((sum, item) => sum + isTail[item], 0);
    metrics.arp[user] = own.reduce((sum, item) => sum + counts[item], 0) / own.length;
    metrics.aplt[user] = tail / own.length;
    metrics.aclt[user] = own.length === 0 ? Number.NaN : tail;
  }
  return metrics;
}

/** Metrics of the first k of all lists together. Of no recommendations at all everything is NaN but the coverage. */
export function catalogueMetrics(
  { lists, targets, numItems }: { lists: Sequences; targets: Targets; numItems: number },
  { isTail }: Popularity,
  conventions: Conventions,
  k: number,
) {
  const listed = new Float64Array(numItems);
  for (let user = 0; user + 1 < lists.offsets.length; user++) {
    for (const item of sequenceOf(lists, user).subarray(0, k)) listed[item]++;
  }
  const n = numItems + (conventions.padding === 'counted' ? 1 : 0);
  const distinct = listed.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  const entropy = entropyOf(listed);
  const relevant = new Float64Array(numItems);
  for (const item of targets.items) relevant[item]++;
  const items = new Float64Array(numItems).fill(1);
  return {
    coverage: conventions.coverage === 'count' ? distinct : distinct / n,
    gini: giniIndex(listed, n, conventions.giniDivisor === 'N' ? n : n - 1),
    entropy: conventions.entropy === 'raw' ? entropy : entropy / distinct,
    // How unequally the head and the tail are recommended, per test item or per item of theirs.
    popReo: relativeSpread(listed, relevant, isTail),
    popRsp: relativeSpread(listed, items, isTail),
  };
}

/**
 * Gini index of counts: sum over j of (2 j - n - 1) c_j / (divisor * sum c), c rising, j from 1. 0 when all are equal.
 *
 * @param n  items, of which `counts` may lack some that were never counted
 */
export function giniIndex(counts: Float64Array, n: number, divisor: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const absent = n - counts.length;
  const rising = counts.slice().sort();
  return rising.reduce((sum, count, j) => sum + (2 * (j + 1 + absent) - n - 1) * count, 0) / (divisor * total);
}

/** Shannon entropy of counts in nats. */
export function entropyOf(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return Number.NaN;
  return counts.reduce((sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log(count / total)), 0);
}

/** Standard deviation over mean of head's and tail's rates; 0 where one has no rate, or nothing is recommended. */
function relativeSpread(listed: Float64Array, per: Float64Array, isTail: Uint8Array): number {
  const sum = (counts: Float64Array, tail: number) =>
    counts.reduce((sum, count, item) => (isTail[item] === tail ? sum + count : sum), 0);
  if (sum(per, 0) === 0 || sum(per, 1) === 0) return 0;
  const head = sum(listed, 0) / sum(per, 0);
  const tail = sum(listed, 1) / sum(per, 1);
  return head + tail === 0 ? 0 : Math.abs(head - tail) / (head + tail);
}
