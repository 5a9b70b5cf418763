import { join } from 'node:path';
import {
  createRandomEncoder,
  createTfidfSvdEncoder,
  createTransformersEncoder,
  type Embeddings,
  type Item,
  itemText,
  joinEmbeddings,
  leaveOneOut,
  loadPrecomputedEmbeddings,
  type PrecomputedOptions,
  readLines,
  type TextEncoder,
  writeEmbeddings,
} from '@codebeam/data';
import { type Dataset, readDataset } from '../dataset-tables.js';
import { findSource } from '../raw-source.js';
import type { StageContext } from '../stage.js';

type Context = StageContext<'fetch-data' | 'embed-items'>;
type NamedEmbeddings = Embeddings & { encoder: string };

/** items.parquet -> item-embeddings.arrow: one vector per item, from its text or a file, and from what users did if asked for. */
export async function embedItems(context: Context): Promise<Record<string, number>> {
  const { input, output, log } = context;
  const dataset = await readDataset((file) => input('prepare-data', file));
  const embeddings = await withBehaviour(context, dataset, await embed(context, dataset.items));
  await writeEmbeddings(output('item-embeddings.arrow'), embeddings, embeddings.encoder);
  log(`${embeddings.encoder}: ${embeddings.rows} vectors of width ${embeddings.dim}`);
  return { items: embeddings.rows, width: embeddings.dim };
}

async function embed(context: Context, items: readonly Item[]): Promise<NamedEmbeddings> {
  const { seed, 'embed-items': config } = context.config;
  switch (config.encoder.type) {
    case 'tfidf-svd':
      return encodeTexts(createTfidfSvdEncoder(config.encoder, seed), context, items);
    case 'transformers':
      return encodeTexts(await createTransformersEncoder(config.encoder), context, items);
    case 'precomputed':
      return loadEmbeddings(config.encoder, context, items);
    case 'random':
      return encodeTexts(createRandomEncoder(config.encoder, seed), context, items);
    default:
      throw new Error(`internal: encoder ${config.encoder satisfies never}`);
  }
}

/** Joined with SASRec's item embeddings. Items that nobody met in training have none: their initial ones say nothing. */
async function withBehaviour(
  { config, input }: Context,
  { items, sequences }: Dataset,
  embeddings: NamedEmbeddings,
): Promise<NamedEmbeddings> {
  const { collaborative } = config['embed-items'];
  if (collaborative === 0) return embeddings;
  const itemIds = items.map(({ id }) => id);
  const learnt = await loadPrecomputedEmbeddings({
    path: input('train-sasrec', 'model.safetensors'),
    column: 'items',
    itemIds,
    inItemOrder: true,
  });
  const met = new Set(leaveOneOut(sequences).train.items);
  for (const item of items.keys()) {
    if (!met.has(item)) learnt.values.fill(0, item * learnt.dim, (item + 1) * learnt.dim);
  }
  return {
    ...joinEmbeddings(embeddings, learnt, collaborative),
    encoder: `${embeddings.encoder}, with SASRec's at a share of ${collaborative}`,
  };
}

async function encodeTexts(
  encoder: TextEncoder,
  { config, log }: Context,
  items: readonly Item[],
): Promise<NamedEmbeddings> {
  const texts = items.map((item) => itemText(item, config['embed-items'].text));
  const empty = texts.filter((text) => text === '').length;
  log(`the first text: ${texts[0]}${empty > 0 ? `; ${empty} of ${items.length} items have none` : ''}`);
  return { values: await encoder.encode(texts), rows: items.length, dim: encoder.dim, encoder: encoder.id };
}

async function loadEmbeddings(
  options: Omit<PrecomputedOptions, 'path' | 'itemIds'>,
  context: Context,
  items: readonly Item[],
): Promise<NamedEmbeddings> {
  const source = await findSource(context);
  const { embeddings: file, embeddingIds } = source?.layout ?? {};
  if (file === undefined) {
    throw new Error(
      'pipelines: the raw files must include embeddings for embed-items.encoder precomputed, got none; add embeddings: <file> to the layout in fetch-data.layouts',
    );
  }
  const embeddings = await loadPrecomputedEmbeddings({
    path: join(source!.folder, file),
    itemIds: items.map(({ id }) => id),
    ...options,
    ...(embeddingIds !== undefined && { embeddingIds: await readIds(join(source!.folder, embeddingIds)) }),
  });
  return { ...embeddings, encoder: `precomputed ${file}` };
}

async function readIds(path: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { text } of readLines(path)) ids.push(text.trim());
  return ids;
}
