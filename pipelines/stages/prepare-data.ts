import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  alignItems,
  type BadLines,
  collectInteractions,
  collectPresplit,
  filterInteractions,
  type Interactions,
  type Item,
  kCore,
  keepFirstOfDuplicates,
  numberById,
  orderByTime,
  type RawInteraction,
  readAmazonItems,
  readAmazonReviews,
  readMappedInteractions,
  readMappedItems,
  readRecboleInteractions,
  readRecboleItems,
  readS3RecSequences,
  readSequenceTable,
  readSessionLines,
  type ToleranceOptions,
} from '@codebeam/data';
import { createKey } from '@codebeam/random';
import type { InteractionsFile, Layout } from '../config.js';
import { writeDataset } from '../dataset-tables.js';
import { findSource, type RawSource } from '../raw-source.js';
import type { StageContext } from '../stage.js';
import type { SourceRecord } from './fetch-data.js';

/** Raw files -> interactions.parquet, users.parquet, items.parquet: the k-core, in order of time, with dense ids. */
export async function prepareData(
  context: StageContext<'fetch-data' | 'prepare-data'>,
): Promise<Record<string, number>> {
  const { config, input, output, log } = context;
  const { filters, minInteractions, duplicates, numbering, ties, tolerance } = config['prepare-data'];
  const { folder, layout } = await sourceOf(context, input('fetch-data', 'source.json'));
  const reading: ToleranceOptions = { tolerance, onBadLines: (bad) => log(describeBadLines(bad)) };

  const read = (file: InteractionsFile) => withProgress(readInteractions(folder, file, reading), file.file, log);
  const raw = await collect(layout.interactions, read);
  log(
    `read ${count(raw.users.length, 'interaction')} of ${count(raw.userIds.length, 'user')} and ${count(raw.itemIds.length, 'item')}`,
  );
  const distinct = duplicates === 'first' ? keepFirstOfDuplicates(raw) : raw;
  const filtered = filterInteractions(distinct, filters, (type, ids) =>
    log(`filter ${type}: the data have no ${ids.join(', ')}`),
  );
  const kept = kCore(filtered, minInteractions);
  const interactions = numbering === 'id' ? numberById(kept) : kept;
  const sequences = orderByTime(
    interactions,
    ties === 'file' ? { ties } : { ties, key: createKey(config.seed, 'shuffle') },
  );
  const { userIds, itemIds } = interactions;
  const items: Item[] = layout.items
    ? await describeItems(readItems(folder, layout.items, reading), itemIds, layout.items.file, log)
    : itemIds.map((id) => ({ id }));
  await writeDataset(output, { interactions, sequences, items });

  const having = (field: keyof Item) => items.filter((item) => item[field] !== undefined).length;
  const counts = {
    users: userIds.length,
    items: itemIds.length,
    interactions: interactions.users.length,
    titles: having('title'),
    brands: having('brand'),
    categories: having('categories'),
    prices: having('price'),
  };
  const mean = counts.interactions / counts.users;
  log(
    `the ${minInteractions}-core has ${count(counts.users, 'user')}, ${count(counts.items, 'item')}, ` +
      `${count(counts.interactions, 'interaction')} (${mean.toFixed(2)} a user, ties: ${ties})`,
  );
  return counts;
}

/** The source that fetch-data wrote down, found again. */
async function sourceOf(context: StageContext<'fetch-data'>, record: string): Promise<RawSource> {
  const { files }: SourceRecord = JSON.parse(await readFile(record, 'utf8'));
  const source = await findSource(context);
  for (const { name, bytes } of files) {
    const found = source && (await stat(join(source.folder, name)).catch(() => undefined))?.size;
    if (found === bytes) continue;
    throw new Error(
      `pipelines: raw file ${name} must have the ${bytes} bytes that fetch-data saw, got ${found ?? 'no such file'}; run fetch-data again, with the same --raw`,
    );
  }
  return source!;
}

/** The rows as they come, with a word every few seconds: some files take minutes. */
async function* withProgress<T>(rows: AsyncIterable<T>, file: string, log: (text: string) => void): AsyncGenerator<T> {
  const started = performance.now();
  let shown = started;
  let numRows = 0;
  for await (const row of rows) {
    yield row;
    if (++numRows % 10_000 !== 0 || performance.now() - shown < 5000) continue;
    shown = performance.now();
    const rate = Math.round(numRows / ((shown - started) / 1000));
    log(`${count(numRows, 'interaction')} read, ${rate.toLocaleString('en')}/s`);
  }
  if (numRows === 0) throw new Error(`pipelines: ${file} must hold an interaction, got none; check the file`);
}

/** The catalogue's entries by dense id, with a word on how many items have one. */
async function describeItems(
  entries: AsyncIterable<Item>,
  itemIds: readonly string[],
  file: string,
  log: (text: string) => void,
): Promise<Item[]> {
  const missing = new Set(itemIds);
  let example: string | undefined;
  async function* noted() {
    for await (const entry of entries) {
      example ??= entry.id;
      missing.delete(entry.id);
      yield entry;
    }
  }
  const items = await alignItems(noted(), itemIds);
  const matched = itemIds.length - missing.size;
  if (matched === 0 && example !== undefined) {
    throw new Error(
      `pipelines: ${file} must hold items of the interactions, got ids like ${example} where those have ${itemIds[0]}; check the columns of ids`,
    );
  }
  const share = ((100 * matched) / itemIds.length).toFixed(1);
  log(`${file} has ${count(matched, 'item')} of ${itemIds.length.toLocaleString('en')} (${share} %)`);
  return items;
}

function collect(
  interactions: Layout['interactions'],
  read: (file: InteractionsFile) => AsyncIterable<RawInteraction>,
): Promise<Interactions> {
  if (interactions.type !== 'presplit') return collectInteractions(read(interactions));
  const { train, validation, test } = interactions;
  return collectPresplit({ train: read(train), ...(validation && { validation: read(validation) }), test: read(test) });
}

function readInteractions(
  folder: string,
  { file, ...how }: InteractionsFile,
  options: ToleranceOptions,
): AsyncIterable<RawInteraction> {
  const path = join(folder, file);
  switch (how.type) {
    case 'amazon':
      return readAmazonReviews(path, options);
    case 'recbole':
      return readRecboleInteractions(path, options);
    case 's3rec':
      return readS3RecSequences(path);
    case 'session-lines':
      return readSessionLines(path);
    case 'sequence-table': {
      const { type: _, ...table } = how;
      return readSequenceTable(path, table, options);
    }
    case 'table': {
      const { type: _, ...map } = how;
      return readMappedInteractions(path, map, options);
    }
    default:
      throw new Error(`internal: reader ${how satisfies never}`);
  }
}

function readItems(
  folder: string,
  { file, ...how }: NonNullable<Layout['items']>,
  options: ToleranceOptions,
): AsyncIterable<Item> {
  const path = join(folder, file);
  switch (how.type) {
    case 'amazon':
      return readAmazonItems(path, options);
    case 'recbole':
      return readRecboleItems(path, options);
    case 'table': {
      const { type: _, ...map } = how;
      return readMappedItems(path, map, options);
    }
    default:
      throw new Error(`internal: reader ${how satisfies never}`);
  }
}

function describeBadLines({ file, bad, lines, first }: BadLines): string {
  return `${file}: passed over ${count(bad, 'line')} of ${lines}, the first at line ${first?.line}: ${first?.reason}`;
}

const count = (value: number, noun: string) => `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
