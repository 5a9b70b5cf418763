import {
  type Interactions,
  joinRows,
  orderByTime,
  rowsByUser,
  rowsInTime,
  type Sequences,
  selectRows,
  sequenceOf,
} from '@codebeam/data';
import { z } from 'zod';
import { type Conventions, cutOffMetrics, maskRules, presetNames, presets } from './conventions.js';
import { nameOfMetric, type RankingMetrics, rankingMetrics } from './ranking-metrics.js';
import type { Recommender } from './recommender.js';
import { comparedCutOff } from './results.js';
import { rankedLists } from './target-ranks.js';

/** What lists are asked for and what they are judged by, as a config has it. Unknown keys are errors. */
export const judgementSchema = z.strictObject({
  task: z
    .enum(['held-out-items', 'next-item'])
    .default('held-out-items')
    .describe(
      'a list for each user, judged by all that is held out; or one for each row held out, after all rows before it, judged by that row alone, as sessions are',
    ),
  preset: z.enum(presetNames).default('warprec').describe('conventions of the metrics'),
  gain: z.enum(['binary', 'exp2']).optional().describe("nDCG's gain, where the preset's will not do"),
  ratings: z
    .boolean()
    .default(false)
    .describe('test ratings count in the gain; else all test items are worth the same'),
  mask: z.enum(maskRules).optional().describe("whether training items leave the lists, where the preset's will not do"),
  ks: z.array(z.int().positive()).min(1).default([5, 10, 20]).describe('cut-offs of the metrics'),
});
export type JudgementConfig = z.output<typeof judgementSchema>;

/** What recommenders are asked and judged by: lists, each for somebody who has something held out. */
export interface Judgement {
  conventions: Conventions;
  ks: readonly number[];
  numItems: number;
  /** [lists] whom each list is for, as rows of the whole data; the sequences below go by the same order. */
  users: Int32Array;
  userIds: readonly string[];
  /** All that training knows, of those too who are not asked: popularity is counted on it. */
  train: Sequences;
  histories: Rated;
  targets: Sequences & { ratings?: Float64Array };
  seed: number;
}

/** Lists of so many items in all are asked for whole where an area under the curve is wanted; of more only the first k. */
const numbersAtMost = 50_000_000;
/** Where items of one score share a rank, lists are so many times k long: a tie that goes on beyond the end is not seen. */
const depthForTies = 5;

/** The conventions that a config asks for. */
function conventionsOf({ preset, gain, mask }: JudgementConfig): Conventions {
  return { ...presets[preset], ...(gain && { gain }), ...(mask && { mask }) };
}

/** The names of what {@link judgeLists} measures by such a config, for instance `ndcg@10`. */
export function judgedMetrics(config: JudgementConfig): string[] {
  const conventions = conventionsOf(config);
  const { metrics } = conventions;
  const measured = cutOffMetrics.filter((metric) => metrics.includes(metric));
  return [
    ...measured.flatMap((metric) => config.ks.map((k) => `${nameOfMetric(metric, conventions)}@${k}`)),
    ...areaMetrics.filter((metric) => metrics.includes(metric)),
  ];
}

/** What only whole lists tell. */
const areaMetrics = ['auc', 'gauc'] as const;

/**
 * @param known    what a recommender is told of each user: the training part, with validation before the test
 * @param heldOut  what it is to find
 */
export function judgementOf(
  known: Interactions,
  heldOut: Interactions,
  config: JudgementConfig,
  seed: number,
): Judgement {
  const { ks, task, ratings: areRated } = config;
  const conventions = conventionsOf(config);
  const train = orderByTime(known);
  const { users, histories, found } = task === 'next-item' ? nextItems(known, heldOut) : heldOutItems(train, heldOut);
  // To find an item twice is no more than to find it, but where every row is a case of its own.
  const { ratings, ...targets } = conventions.average === 'user' ? dropRepeats(found) : found;
  return {
    conventions,
    ks,
    numItems: known.itemIds.length,
    users,
    userIds: Array.from(users, (user) => known.userIds[user]),
    train,
    histories,
    targets: { ...targets, ...(areRated && ratings && { ratings: Float64Array.from(ratings) }) },
    seed,
  };
}

/** What models are chosen by, where one number has to do: NDCG, or recall where there is none. */
export function mainMetric({ conventions: { metrics }, ks }: Judgement): `${'ndcg' | 'recall'}@${number}` {
  return `${metrics.includes('ndcg') ? 'ndcg' : 'recall'}@${comparedCutOff(ks)}`;
}

/** What is asked, and what it is to find. */
type Cases = Pick<Judgement, 'users' | 'histories'> & { found: Rated };

/** A list for each user with something held out. */
function heldOutItems(train: Rated, heldOut: Interactions): Cases {
  const users = Int32Array.from(new Set(heldOut.users)).sort();
  const ofUsers = (sequences: Rated) =>
    selectRanges(
      sequences,
      users.map((user) => sequences.offsets[user]),
      users.map((user) => sequences.offsets[user + 1]),
    );
  return { users, histories: ofUsers(train), found: ofUsers(orderByTime(heldOut)) };
}

/** A list for each row held out, after all rows of its user before it; nobody asks for the first row of a session. */
function nextItems(known: Interactions, heldOut: Interactions): Cases {
  const whole = joinRows(known, heldOut);
  const { offsets, rows } = rowsByUser(whole, rowsInTime(whole));
  const isCase = (row: number, place: number) => row >= known.users.length && place > offsets[whole.users[row]];
  const places = Int32Array.from(rows.keys()).filter((place) => isCase(rows[place], place));
  const users = places.map((place) => whole.users[rows[place]]);
  const ordered = { ...selectRows(whole, rows), offsets };
  return {
    users,
    histories: selectRanges(
      ordered,
      users.map((user) => offsets[user]),
      places,
    ),
    found: selectRanges(
      ordered,
      places,
      places.map((place) => place + 1),
    ),
  };
}

/** Asks a recommender for every list, and computes every metric that the conventions name. */
export async function judgeLists(
  recommender: Recommender,
  { conventions, ks, numItems, userIds, train, histories, targets, seed }: Judgement,
): Promise<RankingMetrics & { k: number; lists: Int32Array }> {
  const asksWhole = areaMetrics.some((metric) => conventions.metrics.includes(metric));
  const isWhole = asksWhole && userIds.length * numItems <= numbersAtMost;
  const isShared = conventions.ties !== 'lowest-id';
  const k = isWhole ? numItems : Math.min(numItems, Math.max(...ks) * (isShared ? depthForTies : 1));
  const { ratings } = histories;
  const asked = userIds.map((_, user) => sequenceOf(histories, user));
  const { items, scores } = await recommender.recommend(asked, k, {
    maskHistory: conventions.mask === 'seen',
    users: userIds,
    ...(ratings && {
      ratings: userIds.map((_, user) => ratings.subarray(histories.offsets[user], histories.offsets[user + 1])),
    }),
  });
  const metrics = conventions.metrics.filter((metric) => isWhole || !areaMetrics.some((area) => area === metric));
  const lists = rankedLists(items, k, isShared ? scores : undefined);
  const input = { lists, targets, train, seen: histories, numItems };
  return { ...rankingMetrics(input, { ...conventions, metrics }, ks, seed), k, lists: items };
}

interface Rated extends Sequences {
  ratings?: Float32Array;
}

/** Of equal items of a user the last one. */
function dropRepeats({ offsets, items, ratings }: Rated): Rated {
  const kept: number[] = [];
  const ends = new Int32Array(offsets.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const last = new Map<number, number>();
    for (let place = offsets[user]; place < offsets[user + 1]; place++) last.set(items[place], place);
    for (const place of last.values()) kept.push(place);
    ends[user + 1] = kept.length;
  }
  return {
    offsets: ends,
    items: Int32Array.from(kept, (place) => items[place]),
    ...(ratings && { ratings: Float32Array.from(kept, (place) => ratings[place]) }),
  };
}

/** A row for each pair of a start and an end: the places from one to before the other. */
function selectRanges({ items, ratings }: Omit<Rated, 'offsets'>, starts: Int32Array, ends: Int32Array): Rated {
  const offsets = new Int32Array(starts.length + 1);
  for (let row = 0; row < starts.length; row++) offsets[row + 1] = offsets[row] + ends[row] - starts[row];
  function copy<A extends Int32Array | Float32Array>(from: A, into: A): A {
    for (let row = 0; row < starts.length; row++) into.set(from.subarray(starts[row], ends[row]), offsets[row]);
    return into;
  }
  const size = offsets[starts.length];
  return {
    offsets,
    items: copy(items, new Int32Array(size)),
    ...(ratings && { ratings: copy(ratings, new Float32Array(size)) }),
  };
}
