import { packSequences, type RankingRows, rankRows, type Sequences, sortIds } from '@codebeam/data';
import type { RankedLists, RankingInput, Targets } from '@codebeam/eval';

export interface RankingFiles {
  train: RankingRows;
  test: RankingRows;
  recommendations: RankingRows;
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
  const items = sortIds([...new Set(all.flatMap((rows) => [...new Set(rows.items)]))]);
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

/** There is a count for each. */
const maxItems = 2 ** 28;

function checkFiles({ train, test, recommendations }: RankingFiles, items: number, numItems: number | undefined): void {
  if (test.users.length === 0) throw new Error(`cli: ${test.path} must have rows, got none; evaluate on some`);
  const listed = new Set(recommendations.users);
  if (!test.users.some((user) => listed.has(user))) {
    throw new Error(
      `cli: ${recommendations.path} must have a list for some user of ${test.path}, got none; check that both name users alike`,
    );
  }
  if (numItems !== undefined && numItems > maxItems) {
    throw new Error(
      `cli: --items must be ${maxItems} at most, got ${numItems}; leave it out to use those of the files`,
    );
  }
  if (numItems !== undefined && numItems < items) {
    throw new Error(
      `cli: --items must be at least the ${items} items of ${train.path}, ${test.path} and ${recommendations.path}, got ${numItems}; leave it out to use those`,
    );
  }
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

/** Rows by user, in order of the file. */
function gather({ users, items }: RankingRows, numbering: Numbering): Gathered {
  const rowsByUser = new Map<string, number[]>();
  for (const user of numbering.userOf.keys()) rowsByUser.set(user, []);
  for (const [row, user] of users.entries()) rowsByUser.get(user)!.push(row);
  return pack(items, rowsByUser, numbering);
}

/** Rows one user after another, by the users' numbers. */
function pack(
  items: readonly string[],
  rowsByUser: ReadonlyMap<string, readonly number[]>,
  { userOf, itemOf }: Numbering,
): Gathered {
  const packed = packSequences(Array.from(userOf.keys(), (user) => Int32Array.from(rowsByUser.get(user) ?? [])));
  const numbered = packed.items.map((row) => itemOf.get(items[row]) as number);
  return { sequences: { offsets: packed.offsets, items: numbered }, rows: packed.items };
}

/** Lists as {@link rankRows} orders them. */
function listsOf(recommendations: RankingRows, ids: Numbering, notes: string[]): RankedLists {
  const { path, items, numbers } = recommendations;
  const { order, rowsByUser } = rankRows(recommendations);
  const { sequences, rows } = pack(items, rowsByUser, ids);
  const { rank, score } = numbers;
  if (rank && score) notes.push(`${path} has ranks and scores: the ranks order the lists`);
  if (order === 'file') notes.push(`${path} has neither ranks nor scores: lists are taken in order of the file`);
  return order === 'score' ? { ...sequences, scores: Float64Array.from(rows, (row) => score![row]) } : sequences;
}

function targetsOf(
  test: RankingRows,
  recommendations: RankingRows,
  ids: Numbering,
  repeats: boolean,
  notes: string[],
): Targets {
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
    if (last.has(pair) && Number.isFinite(score[row])) predicted.set(pair, score[row]); // infinities are no predictions
  const distinctPairs = pairsOf(distinct, ids);
  const predictions = Float64Array.from(rows, (row) => predicted.get(distinctPairs[row]) ?? Number.NaN);
  return { ...sequences, ratings, predictions };
}

/** A number for each row's pair of user and item. */
function pairsOf({ users, items }: RankingRows, { userOf, itemOf }: Numbering): Float64Array {
  const numberOf = (ids: Map<string, number>, id: string) => ids.get(id) as number;
  return Float64Array.from(users, (user, row) => numberOf(userOf, user) * itemOf.size + numberOf(itemOf, items[row]));
}

function selectRows({ users, items, numbers, ...rest }: RankingRows, selected: readonly number[]): RankingRows {
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
