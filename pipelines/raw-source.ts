import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Download, downloadFiles, writeFileAtomically, writeSyntheticAmazon } from '@codebeam/data';
import { type InteractionsFile, type Layout, layoutSchema, type PipelineConfig } from './config.js';

/** Where a run's raw files are. */
export interface RawSource {
  /** files: they were there; download: fetched from the addresses of the config, now or earlier; sample: made up. */
  source: 'files' | 'download' | 'sample';
  folder: string;
  layout: Layout;
}

export interface RawRequest {
  dataset: string;
  run: string;
  config: Pick<PipelineConfig, 'fetch-data' | 'seed'>;
  /** Folder given by --raw. */
  raw?: string;
}

/** What the synthetic shop writes. */
const shopLayout = layoutSchema.parse({
  interactions: { type: 'amazon', file: 'reviews_Synthetic_5.json.gz' },
  items: { type: 'amazon', file: 'meta_Synthetic.json.gz' },
});
/** What simulated listeners leave. */
const sessionsLayout = layoutSchema.parse({
  interactions: {
    type: 'table',
    file: 'listens.parquet',
    columns: { user: 'user', item: 'item', timestamp: 'timestamp' },
  },
  items: {
    type: 'table',
    file: 'tracks.parquet',
    columns: { id: 'track', title: 'title', brand: 'artist', categories: 'genre' },
  },
});

/** The files of data that are made up; nothing where data are real. */
function madeUpLayout({ synthetic, sessions }: PipelineConfig['fetch-data']): Layout | undefined {
  return synthetic ? shopLayout : sessions && sessionsLayout;
}

/** Whether the config has its data made up, which takes no network and little time. */
export function isMadeUp(config: RawRequest['config']): boolean {
  return madeUpLayout(config['fetch-data']) !== undefined;
}

const madeUpFolder = (run: string) => join('checkpoints', '.work', run, 'sample');

export function layoutFiles({ interactions, items, embeddings, embeddingIds, recommendations }: Layout): string[] {
  return [
    ...interactionsFiles(interactions).map(({ file }) => file),
    ...(items ? [items.file] : []),
    ...(embeddings === undefined ? [] : [embeddings]),
    ...(embeddingIds === undefined ? [] : [embeddingIds]),
    ...recommendations,
  ];
}

function interactionsFiles(interactions: Layout['interactions']): InteractionsFile[] {
  if (interactions.type !== 'presplit') return [interactions];
  const { train, validation, test } = interactions;
  return [train, ...(validation ? [validation] : []), test];
}

/** The options of the run's synthetic shop, from which its best possible recall follows; nothing where data are real. */
export function syntheticOptions({ seed, 'fetch-data': { synthetic } }: RawRequest['config']) {
  return synthetic && { ...synthetic, seed };
}

/**
 * The raw files, where they are there: those of `--raw`, or of `datasets/<name>/raw`; those that are made up, where the
 * config asks for it, once `makeSource` wrote them. Of several layouts the first that is complete counts.
 *
 * @throws Error when a folder was given and holds no complete layout
 */
export async function findSource({ dataset, run, config, raw }: RawRequest): Promise<RawSource | undefined> {
  const { layouts } = config['fetch-data'];
  const madeUp = madeUpLayout(config['fetch-data']);
  if (madeUp) {
    const folder = madeUpFolder(run);
    return findFiles(folder, madeUp) && { source: 'sample', folder, layout: madeUp };
  }
  const folder = raw ?? join('datasets', dataset, 'raw');
  const layout = layouts.map((candidate) => findFiles(folder, candidate)).find((found) => found !== undefined);
  if (layout) return { source: (await isDownload(folder, layout)) ? 'download' : 'files', folder, layout };
  if (raw === undefined) return undefined;
  const there = (await readdir(raw).catch(() => undefined))?.join(', ');
  throw new Error(
    `pipelines: --raw must be a folder with ${listLayouts(layouts)}, got ${raw} with ${there === undefined ? 'no such folder' : there || 'nothing in it'}`,
  );
}

/**
 * Makes the raw files be there: makes them up, or downloads.
 *
 * @throws Error naming all three ways to have data, when there is no download or it fails
 */
export async function makeSource(request: RawRequest, log: (text: string) => void): Promise<RawSource> {
  const { dataset, run, config } = request;
  const { layouts, downloads, sessions } = config['fetch-data'];
  const synthetic = syntheticOptions(config);
  if (synthetic) {
    const folder = madeUpFolder(run);
    await writeSyntheticAmazon(folder, synthetic);
    return { source: 'sample', folder, layout: shopLayout };
  }
  if (sessions) {
    const folder = madeUpFolder(run);
    // Loaded where it runs: stages that only find files run no simulation.
    const { writeSessionData } = await import('./session-data.js');
    await writeSessionData(folder, sessions, config.seed);
    return { source: 'sample', folder, layout: sessionsLayout };
  }
  const folder = join('datasets', dataset, 'raw');
  const fail = (reason: string, cause?: unknown) =>
    new Error(
      `pipelines: the raw files of ${dataset} must be in ${folder}, got none there and ${reason}; ` +
        `put ${listLayouts(layouts)} there, or name their folder with --raw <folder>`,
      { cause },
    );
  if (downloads.length === 0) throw fail('no address to download them from');
  try {
    await download(downloads, folder, log);
  } catch (cause) {
    throw fail(`no download (${(cause as Error).message})`, cause);
  }
  const source = await findSource(request);
  if (!source) throw new Error(`internal: the downloads of ${dataset} must make up one of its layouts`);
  return source;
}

function listLayouts(layouts: readonly Layout[]): string {
  return layouts.map((layout) => layoutFiles(layout).join(' and ')).join(', or ');
}

/** The layout with its files' names as they are there, with .gz or without; nothing where one is missing. */
function findFiles(folder: string, layout: Layout): Layout | undefined {
  const isThere = (name: string) => existsSync(join(folder, name));
  const names = new Map(
    layoutFiles(layout).map((file) => [file, [file, `${file}.gz`, file.replace(/\.gz$/, '')].find(isThere)]),
  );
  if ([...names.values()].includes(undefined)) return undefined;
  const { interactions, items, embeddings, embeddingIds, recommendations } = layout;
  const found = (file: string) => names.get(file)!;
  const foundIn = <T extends { file: string }>(one: T): T => ({ ...one, file: found(one.file) });
  const foundInAll = (one: Layout['interactions']): Layout['interactions'] => {
    if (one.type !== 'presplit') return foundIn(one);
    const { train, validation, test } = one;
    return {
      ...one,
      train: foundIn(train),
      ...(validation && { validation: foundIn(validation) }),
      test: foundIn(test),
    };
  };
  return {
    interactions: foundInAll(interactions),
    ...(items && { items: foundIn(items) }),
    ...(embeddings !== undefined && { embeddings: found(embeddings) }),
    ...(embeddingIds !== undefined && { embeddingIds: found(embeddingIds) }),
    recommendations: recommendations.map(found),
  };
}

/** Says, beside the files, which of them were downloaded; it keeps the source of a run the same the next time. */
const record = '.downloads.json';

async function download(
  files: PipelineConfig['fetch-data']['downloads'],
  folder: string,
  log: (text: string) => void,
): Promise<void> {
  await checkReachable(new URL(files[0].url));
  let shown = 0;
  const requests = files.map(({ file, ...rest }): Download => ({ fileName: file, ...rest }));
  await downloadFiles(requests, folder, {
    onProgress: ({ fileName, receivedBytes, totalBytes }) => {
      if (performance.now() - shown < 2000 && receivedBytes !== totalBytes) return;
      shown = performance.now();
      const share = totalBytes
        ? ` of ${mebibytes(totalBytes)} (${Math.floor((100 * receivedBytes) / totalBytes)} %)`
        : '';
      log(`${fileName}: ${mebibytes(receivedBytes)}${share}`);
    },
  });
  const sizes: Record<string, number> = {};
  for (const { file } of files) sizes[file] = (await stat(join(folder, file))).size;
  await writeFileAtomically(join(folder, record), `${JSON.stringify(sizes, null, 2)}\n`);
}

/** Where there is no network at all, that should not take long to know. */
async function checkReachable({ hostname, port, protocol }: URL): Promise<void> {
  const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443), timeout: 4000 });
  try {
    await Promise.race([
      once(socket, 'connect'),
      once(socket, 'timeout').then(() => {
        throw new Error(`no answer from ${hostname} within 4 s`);
      }),
    ]);
  } finally {
    socket.destroy();
  }
}

async function isDownload(folder: string, layout: Layout): Promise<boolean> {
  const text = await readFile(join(folder, record), 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const sizes: Record<string, number> = JSON.parse(text);
  for (const file of layoutFiles(layout)) if ((await stat(join(folder, file))).size !== sizes[file]) return false;
  return true;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
