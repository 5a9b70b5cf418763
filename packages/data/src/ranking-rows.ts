import { parquetColumns, parseTime, type RowOptions, readRows } from './column-map.js';
import { idOf, numberOf, shown } from './ids.js';
import { readBytes, readLines } from './read-lines.js';

/** What a column can mean. */
export type RankingRole = 'user' | 'item' | 'rating' | 'rank' | 'score' | 'timestamp';

/** Names of columns, in lower case and without anything but letters and digits. */
const columnNames: Record<RankingRole, readonly string[]> = {
  user: ['user', 'userid', 'uid', 'session', 'sessionid', 'sid', 'reviewerid', 'customerid', 'visitorid'],
  item: ['item', 'itemid', 'iid', 'movieid', 'productid', 'articleid', 'trackid', 'track', 'asin', 'parentasin'],
  rating: ['rating', 'ratings', 'overall', 'stars'],
  rank: ['rank', 'position', 'place'],
  score: ['score', 'scores', 'prediction', 'rating'],
  timestamp: ['timestamp', 'time', 'unixreviewtime', 'datetime', 'date', 'createdat'],
};

/** How RecBole's files name a column; nothing in them is quoted. */
const typed = /:(token|float)(_seq)?$/;

/** A file: who, what, and a number for each further role that it has a column for. */
export interface RankingRows {
  path: string;
  users: string[];
  items: string[];
  numbers: Partial<Record<RankingRole, Float64Array>>;
  /** What had to be guessed. */
  notes: string[];
}

/**
 * Reads users, items and numbers from CSV, TSV, JSON lines, Parquet or RecBole's atomic files, plain or gzip. What a file
 * is follows from its content, its columns from their names (`user_id:token`, `userId`, `session_id` ...); a file
 * without names has user, item and then `third`, if that many columns.
 *
 * @param roles  the numbers to look for
 * @param third  what the third of unnamed columns means; a fourth is the time
 * @param timeUnit  of times that are numbers; they come back in seconds
 * @throws Error naming the file when it cannot be read, lacks a column, or a row has no number where it needs one
 */
export async function readRankingRows(
  path: string,
  roles: readonly RankingRole[],
  third: RankingRole,
  timeUnit: 'seconds' | 'milliseconds' = 'seconds',
): Promise<RankingRows> {
  const layout = await layoutOf(path);
  const columns = layout.names === undefined ? columnsByPlace(layout.fields, third) : columnsByName(path, layout.names);
  const has = roles.filter((role) => columns[role] !== undefined);
  const numbers = new Map<RankingRole, number[]>(has.map((role) => [role, []]));
  const rows: RankingRows = { path, users: [], items: [], numbers: {}, notes: [] };
  const addRow = (row: Record<string, unknown>) => {
    const user = idOf(row[columns.user as string], 'the user');
    const item = idOf(row[columns.item as string], 'the item');
    const values = has.map((role) => numberFor(row[columns[role] as string], role, timeUnit));
    rows.users.push(user);
    rows.items.push(item);
    for (const [i, role] of has.entries()) numbers.get(role)?.push(values[i]);
  };
  const wanted = ['user' as const, 'item' as const, ...has].map((role) => columns[role] as string);
  await layout.read([...new Set(wanted)], addRow);
  for (const [role, values] of numbers) rows.numbers[role] = Float64Array.from(values);
  if (layout.names === undefined) settleThird(rows, third, roles);
  return rows;
}

/** Any count of seconds or milliseconds since 1973, and no rating. */
const earliestTime = 1e8;

/** Of columns without names the third may be a time where a rating was looked for, or a rank for a score. */
function settleThird(rows: RankingRows, third: RankingRole, roles: readonly RankingRole[]): void {
  const values = rows.numbers[third];
  let meaning: string = third;
  const mayBeTime = values && third === 'rating' && rows.numbers.timestamp === undefined;
  if (mayBeTime && values.every((value) => value >= earliestTime)) meaning = 'timestamp';
  if (values && third === 'score' && areRanks(rows, values)) meaning = 'rank';
  if (values && meaning !== third) {
    delete rows.numbers[third];
    if (meaning === 'rank' || roles.some((role) => role === meaning)) rows.numbers[meaning as RankingRole] = values;
  }
  const fourth = rows.numbers.timestamp && meaning !== 'timestamp' ? ['timestamp'] : [];
  const told = ['user', 'item', ...(values ? [meaning] : []), ...fourth].join(', ');
  rows.notes.push(`${rows.path} has no header: its columns are taken for ${told}`);
}

/**
 * Whether each user's values are the ranks of the rows: 0, 1, 2 ... or 1, 2, 3 ... from the first row on. The same from the last row on are
 * scores, that of the best row the highest.
 *
 * @throws Error when such values stand in another order, which could be either
 */
function areRanks({ path, users }: RankingRows, values: Float64Array): boolean {
  const valuesOf = new Map<string, number[]>();
  for (const [row, user] of users.entries()) {
    const own = valuesOf.get(user);
    if (own) own.push(values[row]);
    else valuesOf.set(user, [values[row]]);
  }
  const lists = [...valuesOf.values()];
  const countsUp = (list: readonly number[]) =>
    (list[0] === 0 || list[0] === 1) && list.every((value, place) => value === list[0] + place);
  if (lists.every(countsUp)) return true;
  if (!lists.every((list) => countsUp(list.toSorted((a, b) => a - b)))) return false;
  if (lists.every((list) => countsUp(list.toReversed()))) return false;
  throw new Error(
    `data: ${path} must say whether its third column is a rank or a score, got values that count up from 0 or 1 for each user in no order; put a first row above: user, item, rank`,
  );
}

/** What a list goes by: rank where there is one, lowest first; else score, highest first; else the order of the file. */
export type ListOrder = 'rank' | 'score' | 'file';

/**
 * The rows of each user's list, best first; of equal scores the earlier row.
 *
 * @throws Error when a list repeats an item or a rank
 */
export function rankRows(recommendations: RankingRows): { order: ListOrder; rowsByUser: Map<string, number[]> } {
  const { path, users, items, numbers } = recommendations;
  const { rank, score } = numbers;
  const rowsByUser = new Map<string, number[]>();
  for (const [row, user] of users.entries()) {
    const rows = rowsByUser.get(user);
    if (rows) rows.push(row);
    else rowsByUser.set(user, [row]);
  }
  for (const [user, rows] of rowsByUser) {
    checkDistinct(
      rows,
      (row) => items[row],
      (item) => `${path} must list an item once for a user, got item ${item} twice for user ${user}`,
    );
    if (rank) {
      checkDistinct(
        rows,
        (row) => rank[row],
        (place) => `${path} must have a rank once for a user, got rank ${place} twice for user ${user}`,
      );
      rows.sort((a, b) => rank[a] - rank[b]);
    } else if (score) {
      // Not the difference alone: that of two infinities is NaN.
      rows.sort((a, b) => (score[a] === score[b] ? a - b : score[b] - score[a]));
    }
  }
  return { order: rank ? 'rank' : score ? 'score' : 'file', rowsByUser };
}

function checkDistinct<V>(rows: readonly number[], valueAt: (row: number) => V, problem: (value: V) => string): void {
  const met = new Set<V>();
  for (const row of rows) {
    const value = valueAt(row);
    if (met.has(value)) throw new Error(`data: ${problem(value)}; drop the repeats`);
    met.add(value);
  }
}

interface Layout {
  /** Names of the columns, or nothing when the first row is data. */
  names: string[] | undefined;
  /** Number of columns. */
  fields: number;
  read(columns: string[], addRow: (row: Record<string, unknown>) => void): Promise<void>;
}

async function layoutOf(path: string): Promise<Layout> {
  if (await isParquet(path)) return textLayout(path, await parquetColumns(path), { format: 'parquet' });
  const [first, second] = await firstLines(path);
  if (first === undefined) throw new Error(`data: ${path} must have rows, got an empty file; check the path`);
  if (first.trimStart().startsWith('[')) {
    throw new Error(`data: ${path} must be JSON lines, got a JSON array; write an object a line`);
  }
  if (first.trimStart().startsWith('{'))
    return textLayout(path, Object.keys(parseJson(path, first)), { format: 'jsonl' });
  const delimiter = ['\t', ',', ';', '::', '|', ' '].find((one) => first.includes(one)) ?? ',';
  const split = (line: string) => line.split(delimiter).map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
  const fields = split(first);
  const isHeader = hasNames(fields, second === undefined ? undefined : split(second));
  const quotes = !fields.some((field) => typed.test(field));
  const options: RowOptions = { format: 'csv', delimiter, header: isHeader, quotes };
  return textLayout(path, isHeader ? fields : fields.length, options);
}

function textLayout(path: string, columns: string[] | number, options: RowOptions): Layout {
  return {
    names: typeof columns === 'number' ? undefined : columns,
    fields: typeof columns === 'number' ? columns : columns.length,
    async read(wanted, addRow) {
      // Not one bad row is passed over: a metric of most rows is another metric.
      for await (const _ of readRows(path, wanted, addRow, { ...options, ids: wanted.slice(0, 2), tolerance: 0 }));
    },
  };
}

async function isParquet(path: string): Promise<boolean> {
  for await (const chunk of readBytes(path)) return chunk.toString('latin1', 0, 4) === 'PAR1';
  return false;
}

async function firstLines(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { text } of readLines(path, 'utf8')) {
    if (text.trim() !== '' && lines.push(text) === 2) break;
  }
  return lines;
}

function parseJson(path: string, line: string): object {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`data: ${path} must be JSON lines, got ${(cause as Error).message}; mend the first line`, {
      cause,
    });
  }
}

/** Whether the first row names the columns: a name is known or typed, or words stand over numbers that are no ids. */
function hasNames(first: readonly string[], second: readonly string[] | undefined): boolean {
  const known = new Set(Object.values(columnNames).flat());
  if (first.some((field) => known.has(plain(field)) || typed.test(field))) return true;
  const isNumber = (field: string | undefined) => field !== undefined && field !== '' && Number.isFinite(Number(field));
  const isOver = first.map((field, column) => field !== '' && !isNumber(field) && isNumber(second?.[column]));
  return isOver.every(Boolean) || isOver.slice(2).some(Boolean);
}

/** `user_id:token`, `userId` and `User ID` are all `userid`. */
function plain(name: string): string {
  return name
    .split(':')[0]
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}

type Columns = Partial<Record<RankingRole, string>>;

function columnsByName(path: string, names: readonly string[]): Columns {
  const find = (role: RankingRole) =>
    columnNames[role].map((known) => names.find((name) => plain(name) === known)).find((name) => name !== undefined);
  const roles = Object.keys(columnNames) as RankingRole[];
  const columns: Columns = Object.fromEntries(roles.map((role) => [role, find(role)]));
  for (const role of ['user', 'item'] as const) {
    if (columns[role] !== undefined) continue;
    throw new Error(
      `data: ${path} must have a column for the ${role}, got ${names.join(', ')}; name one ${role} or ${role}_id`,
    );
  }
  return columns;
}

function columnsByPlace(fields: number, third: RankingRole): Columns {
  return { user: '1', item: '2', ...(fields > 2 && { [third]: '3' }), ...(fields > 3 && { timestamp: '4' }) };
}

/** As Python writes them: of masked items, mostly. */
const infinities = new Set<unknown>(['inf', '-inf']);

/** Ratings may be missing; what orders a list may not. */
function numberFor(value: unknown, role: RankingRole, timeUnit: 'seconds' | 'milliseconds'): number {
  if (role === 'timestamp') return parseTime(value, role, timeUnit);
  const isMissing = value === undefined || value === null || value === '' || Number.isNaN(value);
  const number = infinities.has(value) ? Number(`${value}`.replace('inf', 'Infinity')) : numberOf(value);
  if (Number.isNaN(number) && !(isMissing && role === 'rating')) {
    throw new SyntaxError(`the ${role} must be a number, got ${shown(value)}`);
  }
  return number;
}
