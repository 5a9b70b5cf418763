import { packSequences, type Sequences } from '@codebeam/data';
import type { RankedLists, RankingInput, Targets } from '@codebeam/eval';
import type { Rows } from './read-rows.js';

export interface RankingFiles {
  train: Rows;
  test: Rows;
  recommendations: Rows;
}

export interface BuiltInput {
  input: RankingInput;
  /** Ids by user number. */
  users: string[];
  /** What the caller should know: users without a list, test items that no list has ... */
  notes: string[];
}

/**
 * Numbers users and items and gathers each user's rows. Items are numbered in order of their ids, by value when all
 * are whole numbers, so that the lower number is the lower id.
 *
 * @param numItems  N, where the catalogue holds more than the files
 * @param repeats  whether a pair of user and item may be tested more than once; else its last row counts
 * @throws Error when users do not overlap, N is too small, or a list repeats an item or a rank
 */
export function rankingInput(files: RankingFiles, numItems: number | undefined, repeats: boolean): BuiltInput {
  const { train, test, recommendations } = files;
  const all = [test, train, recommendations];
  const users = [...new Set(all.flatMap((rows) => [...new Set(rows.users)]))];
  const items = [...new Set(all.flatMap((rows) => [...new Set(rows.items)]))].sort(idOrder(all));
  checkFiles(files, items.length, numItems);
  const ids: Numbering = {
    userOf: new Map(users.map((user, number) => [user, number])),
    itemOf: new Map(items.map((item, number) => [item, number])),
  };
  const notes = all.flatMap((rows) => rows.notes);
  const lists = listsOf(recommendations, ids, notes);
  const input = {
    lists,
    targets: targetsOf(test, recommendations, ids, repeats, notes),
    train: gather(train, ids).sequences,
    numItems: numItems ?? items.length,
  };
  noteGaps(input, notes);
  return { input, users, notes };
}

function checkFiles({ train, test, recommendations }: RankingFiles, items: number, numItems: number | undefined): void {
  if (test.users.length === 0) throw new Error(`cli: ${test.path} must have rows, got none; evaluate on some`);
  const listed = new Set(recommendations.users);
  if (!test.users.some((user) => listed.has(user))) {
    throw new Error(
      `cli: ${recommendations.path} must have a list for some user of ${test.path}, got none; check that both name users alike`,
    );
  }
  if (numItems !== undefined && numItems < items) {
    throw new Error(
      `cli: --items must be at least the ${items} items of ${train.path}, ${test.path} and ${recommendations.path}, got ${numItems}; leave it out to use those`,
    );
  }
}

/** Numbers by value where all ids are such, texts by code unit where not. */
function idOrder(all: readonly Rows[]): (a: string, b: string) => number {
  const areNumbers = all.every((rows) => rows.items.every((item) => /^-?\d{1,15}$/.test(item)));
  return areNumbers ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : 1);
}

interface Numbering {
  userOf: Map<string, number>;
  itemOf: Map<string, number>;
}

interface Gathered {
  sequences: Sequences;
  /** [items] the row that each entry comes from. */
  rows: Int32Array;
}

/** Rows by user, in order of the file or of `compare`. */
function gather(
  { users, items }: Rows,
  { userOf, itemOf }: Numbering,
  compare?: (a: number, b: number) => number,
): Gathered {
  const byUser: number[][] = Array.from({ length: userOf.size }, () => []);
  for (const [row, user] of users.entries()) byUser[userOf.get(user) as number].push(row);
  if (compare !== undefined) for (const rows of byUser) rows.sort(compare);
  const packed = packSequences(byUser.map((rows) => Int32Array.from(rows)));
  const numbered = packed.items.map((row) => itemOf.get(items[row]) as number);
  return { sequences: { offsets: packed.offsets, items: numbered }, rows: packed.items };
}

/** Lists by rank where there is one, else by score, else as the file has them. */
function listsOf(recommendations: Rows, ids: Numbering, notes: string[]): RankedLists {
  const { path, users, items } = recommendations;
  const { rank, score } = recommendations.numbers;
  const compare = rank ? (a: number, b: number) => rank[a] - rank[b] : score && byScore(score);
  const { sequences, rows } = gather(recommendations, ids, compare);
  const { offsets } = sequences;
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    checkDistinct(own, (row) => items[row], `${path} must list an item once for a user, got item`);
    if (rank) checkDistinct(own, (row) => String(rank[row]), `${path} must have a rank once for a user, got rank`);
  }
  if (rank && score) notes.push(`${path} has ranks and scores: the ranks order the lists`);
  if (!rank && !score) notes.push(`${path} has neither ranks nor scores: lists are taken in order of the file`);
  return !rank && score ? { ...sequences, scores: Float64Array.from(rows, (row) => score[row]) } : sequences;

  function checkDistinct(own: Int32Array, value: (row: number) => string, problem: string): void {
    const met = new Set<string>();
    for (const row of own) {
      if (met.has(value(row))) {
        throw new Error(`cli: ${problem} ${value(row)} twice for user ${users[row]}; drop the repeats`);
      }
      met.add(value(row));
    }
  }
}

function byScore(score: Float64Array): (a: number, b: number) => number {
  // Not the difference alone: that of two infinities is NaN.
  return (a, b) => (score[a] === score[b] ? a - b : score[b] - score[a]);
}

function targetsOf(test: Rows, recommendations: Rows, ids: Numbering, repeats: boolean, notes: string[]): Targets {
  const pairs = pairsOf(test, ids);
  const last = new Map(Array.from(pairs, (pair, row) => [pair, row]));
  const distinct = repeats ? test : selectRows(test, [...last.values()]);
  const dropped = test.users.length - distinct.users.length;
  if (dropped > 0) notes.push(`${dropped} rows of ${test.path} repeat a user's item: the last of each pair counts`);
  const { sequences, rows } = gather(distinct, ids);
  const { rating } = distinct.numbers;
  if (rating === undefined) return sequences;
  const ratings = Float64Array.from(rows, (row) => rating[row]);
  const { score } = recommendations.numbers;
  if (score === undefined) return { ...sequences, ratings };
  const predicted = new Map<number, number>();
  for (const [row, pair] of pairsOf(recommendations, ids).entries())
    if (last.has(pair)) predicted.set(pair, score[row]);
  const distinctPairs = pairsOf(distinct, ids);
  const predictions = Float64Array.from(rows, (row) => predicted.get(distinctPairs[row]) ?? Number.NaN);
  return { ...sequences, ratings, predictions };
}

/** A number for each row's pair of user and item. */
function pairsOf({ users, items }: Rows, { userOf, itemOf }: Numbering): Float64Array {
  const numberOf = (ids: Map<string, number>, id: string) => ids.get(id) as number;
  return Float64Array.from(users, (user, row) => numberOf(userOf, user) * itemOf.size + numberOf(itemOf, items[row]));
}

function selectRows({ users, items, numbers, ...rest }: Rows, selected: readonly number[]): Rows {
  const select = (values: Float64Array) => Float64Array.from(selected, (row) => values[row]);
  return {
    ...rest,
    users: selected.map((row) => users[row]),
    items: selected.map((row) => items[row]),
    numbers: Object.fromEntries(Object.entries(numbers).map(([role, values]) => [role, select(values)])),
  };
}

function noteGaps({ lists, targets, train }: RankingInput, notes: string[]): void {
  const users = Array.from({ length: lists.offsets.length - 1 }, (_, user) => user);
  const has = ({ offsets }: Sequences, user: number) => offsets[user + 1] > offsets[user];
  const tested = users.filter((user) => has(targets, user));
  const missing = tested.filter((user) => !has(lists, user)).length;
  if (missing > 0) notes.push(`${missing} of ${tested.length} test users have no list: they count as 0`);
  const ignored = users.filter((user) => has(lists, user) && !has(targets, user)).length;
  if (ignored > 0) notes.push(`lists of ${ignored} users without test items are ignored`);
  const trained = new Set(train.items);
  const cold = targets.items.filter((item) => !trained.has(item)).length;
  if (cold > 0) notes.push(`${cold} of ${targets.items.length} test rows have an item that training lacks: they count`);
}
