import { createKey, foldIn, type Key, permutation } from '@codebeam/random';
import { type Interactions, partNames, rowsByUser, rowsInTime, selectRows, type UserRows } from './interactions.js';
import { type SealedTest, sealTest } from './sealed-test.js';
import type { Holdout, Split, Unseen } from './split-schema.js';

export interface TrainAndValidation {
  train: Interactions;
  validation: Interactions;
}

/**
 * Parts of the same interactions: dense ids are those of the whole, rows are in its order, and a user may have none.
 * `orderByTime` makes sequences of a part.
 */
export interface InteractionSplit extends TrainAndValidation {
  /** No rows where the split has no validation part, or one of folds. */
  validation: Interactions;
  /** Of a k-fold validation; none otherwise. Each row of `train` is in one validation part, but for unseen ones. */
  folds: TrainAndValidation[];
  test: SealedTest<Interactions>;
  /** Users with rows but none for test, e.g. those of no more than k rows where k are left out. */
  untestedUsers: number;
  /** Rows in no part: of dropped users, of unseen items, or what runs into the days of the test part. */
  droppedRows: number;
}

/**
 * Splits interactions. Rows of equal time count as ordered like the file, so in a temporal split no row that is held
 * out comes before one that its user has in train.
 *
 * For next-item prediction from sequences see `leaveOneOut`, which is `temporal-leave-k-out` with k 1 twice over, asks
 * for three rows a user, and gives each held-out item with its history.
 *
 * @param seed  of the random ones
 * @throws Error when train or test have no rows
 */
export function splitInteractions(interactions: Interactions, split: Split, seed: number): InteractionSplit {
  const key = createKey(seed, 'sample');
  const select = (rows: Int32Array) => selectRows(interactions, rows);
  switch (split.type) {
    case 'ratios': {
      const groups = groupRows(interactions, split, key);
      return assembleSplit(interactions, split, partsOf(groups, (rows) => ratioSizes(rows, split.ratios)).map(select));
    }
    case 'session-ratio':
      return assembleSplit(interactions, split, cutBySessionRatio(interactions, split).map(select));
    default: {
      const [rest, test, given] = (
        split.type === 'given' ? rowsOfParts(interactions) : holdOut(interactions, split, foldIn(key, 0))
      ).map(select);
      if (given && given.users.length > 0) return assembleSplit(interactions, split, [rest, given, test]);
      if (split.validation?.type === 'k-fold') {
        const folds = foldsOf(rest, split.validation.folds);
        return assembleSplit(interactions, split, [rest, select(new Int32Array()), test], folds);
      }
      const [train, validation] = split.validation
        ? holdOut(rest, split.validation, foldIn(key, 1)).map((rows) => selectRows(rest, rows))
        : [rest, select(new Int32Array())];
      return assembleSplit(interactions, split, [train, validation, test]);
    }
  }
}

/**
 * The parts as one split, its test part sealed.
 *
 * @param how  what to call the split in errors, and which held-out rows to drop
 */
function assembleSplit(
  whole: Interactions,
  { type, unseen }: { type: string; unseen: Unseen },
  [train, ...heldOut]: Interactions[],
  folds: TrainAndValidation[] = [],
): InteractionSplit {
  const [validation, test] = heldOut.map((part) => dropUnseen(part, train, unseen));
  if (train.users.length === 0 || test.users.length === 0) {
    throw new Error(
      `data: split ${type} must leave rows for train and for test, got ${train.users.length} and ${test.users.length} of ${whole.users.length}; ` +
        'choose another share or time, or bring more data',
    );
  }
  return {
    train,
    validation,
    folds: folds.map((fold) => ({ ...fold, validation: dropUnseen(fold.validation, fold.train, unseen) })),
    test: sealTest(test.users.length, () => test),
    untestedUsers: new Set(whole.users).size - new Set(test.users).size,
    droppedRows: whole.users.length - train.users.length - validation.users.length - test.users.length,
  };
}

function dropUnseen(part: Interactions, train: Interactions, unseen: Unseen): Interactions {
  if (unseen === 'keep') return part;
  const [users, items] = [new Set(train.users), new Set(train.items)];
  const isSeen = (row: number) => items.has(part.items[row]) && (unseen === 'drop-items' || users.has(part.users[row]));
  return selectRows(part, Int32Array.from(part.users.keys()).filter(isSeen));
}

/** @returns rows for train and rows held out */
function holdOut(interactions: Interactions, how: Holdout, key: Key): Int32Array[] {
  switch (how.type) {
    case 'temporal-holdout':
      return partsOf(groupRows(interactions, { order: 'time', of: 'user' }, key), (n) => holdoutSizes(n, how.ratio));
    case 'random-holdout':
      return partsOf(groupRows(interactions, { ...how, order: 'random' }, key), (n) => holdoutSizes(n, how.ratio));
    case 'temporal-leave-k-out':
    case 'random-leave-k-out': {
      const order = how.type === 'temporal-leave-k-out' ? 'time' : 'random';
      const ofShortUser = (n: number) => (how.shortUsers === 'train' ? [n, 0] : [0, 0]);
      const sizes = (n: number) => (n > how.k ? [n - how.k, how.k] : ofShortUser(n));
      return partsOf(groupRows(interactions, { order, of: 'user' }, key), sizes);
    }
    case 'timestamp': {
      const at = how.at === 'best' ? bestTime(interactions) : how.at;
      const { timestamps } = interactions;
      return [
        rowsWhere(interactions, (row) => timestamps[row] < at),
        rowsWhere(interactions, (row) => timestamps[row] >= at),
      ];
    }
    case 'last-days':
      return cutLastDays(interactions, how);
    case 'latest-sessions': {
      const [train, , newest] = cutBySessionRatio(interactions, { validation: 0, test: how.ratio });
      return [train, newest];
    }
    default:
      throw new Error(`internal: split ${how satisfies never}`);
  }
}

/** @returns rows for train and for test, then those for validation, which may be none */
function rowsOfParts(interactions: Interactions): Int32Array[] {
  const { parts } = interactions;
  if (!parts) {
    throw new Error(
      'data: split given must have data that come in parts, got one table; read them with collectPresplit, or choose another split',
    );
  }
  const rowsOf = (name: (typeof partNames)[number]) => rowsWhere(interactions, (row) => partNames[parts[row]] === name);
  return [rowsOf('train'), rowsOf('test'), rowsOf('validation')];
}

/** All rows as one group, or a group for each user, ordered as asked. */
function groupRows(
  interactions: Interactions,
  { order, of }: { order: 'time' | 'random'; of: 'all' | 'user' },
  key: Key,
): UserRows {
  const numRows = interactions.users.length;
  const rows = order === 'time' ? rowsInTime(interactions) : permutation(key, numRows);
  return of === 'user' ? rowsByUser(interactions, rows) : { offsets: Int32Array.of(0, numRows), rows };
}

/**
 * Deals out the rows of every group to parts, from first to last.
 *
 * @param sizesOf  by the rows of a group, how many each part gets; any that are left go to none
 * @returns rows of each part, in the order of the file
 */
function partsOf({ offsets, rows }: UserRows, sizesOf: (rows: number) => number[]): Int32Array[] {
  const parts: number[][] = sizesOf(0).map(() => []);
  for (let group = 0; group + 1 < offsets.length; group++) {
    let next = offsets[group];
    for (const [part, size] of sizesOf(offsets[group + 1] - next).entries()) {
      for (const end = next + size; next < end; next++) parts[part].push(rows[next]);
    }
  }
  return parts.map((part) => Int32Array.from(part).sort());
}

function holdoutSizes(rows: number, ratio: number): number[] {
  const train = Math.min(rows, Math.max(1, Math.floor(rows * (1 - ratio))));
  return [train, rows - train];
}

/** RecBole's rule: of the later parts, the last is the first that is helped to a row. */
function ratioSizes(rows: number, ratios: readonly number[]): number[] {
  const total = ratios.reduce((sum, one) => sum + one, 0);
  const shares = ratios.map((one) => (one / total) * rows);
  const sizes = shares.map(Math.floor);
  sizes[0] = rows - sizes.slice(1).reduce((sum, size) => sum + size, 0);
  for (let part = ratios.length - 1; part > 0 && sizes[0] > 1; part--) {
    if (shares[part] <= 0 || shares[part] >= 1) continue;
    sizes[part]++;
    sizes[0]--;
  }
  return sizes;
}

/**
 * The latest time that the most users have rows both before and from. Only the users with `first < T <= last` count, so
 * one walk over all first and last times will do. Users of one row never count.
 */
function bestTime(interactions: Interactions): number {
  const { timestamps } = interactions;
  const { present, first, last } = spansOfUsers(interactions);
  const firsts = Float64Array.from(present, (user) => first[user]).sort();
  const lasts = Float64Array.from(present, (user) => last[user]).sort();
  let [begun, ended, most] = [0, 0, 0];
  let best = Number.NEGATIVE_INFINITY;
  for (const row of rowsInTime(interactions)) {
    const time = timestamps[row];
    while (begun < firsts.length && firsts[begun] < time) begun++;
    while (ended < lasts.length && lasts[ended] < time) ended++;
    if (begun - ended < most) continue;
    most = begun - ended;
    best = time;
  }
  return best;
}

/** The users that have rows, and first and last time by user. */
function spansOfUsers({ users, timestamps, userIds }: Interactions) {
  const first = new Float64Array(userIds.length).fill(Number.POSITIVE_INFINITY);
  const last = new Float64Array(userIds.length).fill(Number.NEGATIVE_INFINITY);
  for (const [row, user] of users.entries()) {
    first[user] = Math.min(first[user], timestamps[row]);
    last[user] = Math.max(last[user], timestamps[row]);
  }
  const present = Int32Array.from(userIds.keys()).filter((user) => first[user] <= last[user]);
  return { present, first, last };
}

const day = 86_400;

function cutLastDays(interactions: Interactions, { days, by }: { days: number; by: 'start' | 'end' }): Int32Array[] {
  const { users, timestamps } = interactions;
  const { first, last } = spansOfUsers(interactions);
  const from = last.reduce((latest, time) => Math.max(latest, time)) - days * day;
  const isHeldOut = (row: number) => (by === 'start' ? first : last)[users[row]] >= from;
  const isTrain = (row: number) => !isHeldOut(row) && timestamps[row] < from;
  return [rowsWhere(interactions, isTrain), rowsWhere(interactions, isHeldOut)];
}

/** @returns rows for train, validation and test */
function cutBySessionRatio(
  interactions: Interactions,
  { validation, test }: { validation: number; test: number },
): Int32Array[] {
  const { present, last } = spansOfUsers(interactions);
  const sessions = present.sort((a, b) => last[a] - last[b] || a - b);
  const numTest = Math.floor(sessions.length * test);
  const numTrain = sessions.length - numTest - Math.floor(sessions.length * validation);
  const part = new Uint8Array(interactions.userIds.length);
  for (const [place, session] of sessions.entries()) {
    part[session] = place < numTrain ? 0 : place < sessions.length - numTest ? 1 : 2;
  }
  return [0, 1, 2].map((wanted) => rowsWhere(interactions, (row) => part[interactions.users[row]] === wanted));
}

function foldsOf(interactions: Interactions, numFolds: number): TrainAndValidation[] {
  const { offsets, rows } = rowsByUser(interactions);
  const fold = new Int32Array(rows.length);
  for (let user = 0; user + 1 < offsets.length; user++) {
    const own = rows.subarray(offsets[user], offsets[user + 1]);
    for (const [place, row] of own.entries()) fold[row] = place % numFolds;
  }
  const select = (isWanted: (row: number) => boolean) => selectRows(interactions, rowsWhere(interactions, isWanted));
  return Array.from({ length: numFolds }, (_, held) => ({
    train: select((row) => fold[row] !== held),
    validation: select((row) => fold[row] === held),
  }));
}

function rowsWhere({ users }: Interactions, isWanted: (row: number) => boolean): Int32Array {
  return Int32Array.from(users.keys()).filter(isWanted);
}
