// What the benchmarks read: Amazon's files from --raw, or the synthetic sample in their place.
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  alignItems,
  collectInteractions,
  createTfidfSvdEncoder,
  itemText,
  leaveOneOut,
  orderByTime,
  readAmazonItems,
  readAmazonReviews,
  tfidfSvdSchema,
  writeSyntheticAmazon,
} from '@codebeam/data';
import { createGenerator, createKey } from '@codebeam/random';
import { generateSemanticIds, rqvaeSchema } from '@codebeam/rqvae';
import { informativePositions, tigerSchema } from '@codebeam/tiger';
import { rqvaeTrainingSchema, trainRqvae } from '@codebeam/trainers';

const models = {
  paper: {},
  small: { modelWidth: 64, encoderLayers: 2, decoderLayers: 2, heads: 4, headWidth: 16, feedForwardWidth: 256 },
};

/** TIGER's configuration by the name that --model gives. */
export function tigerConfig(model) {
  if (!models[model]) {
    throw new RangeError(`bench: --model must be one of ${Object.keys(models).join(', ')}, got ${model}`);
  }
  return tigerSchema.parse(models[model]);
}

/** Sequences split for leave-one-out. */
export async function loadSplit(raw) {
  return withFiles(raw, async (path, name) => {
    const interactions = await interactionsOf(path);
    return { name, numItems: interactions.itemIds.length, ...split(interactions) };
  });
}

/** Sequences whole, and the vectors of the items' texts. */
export async function loadEmbedded(raw) {
  return withFiles(raw, async (path, name) => {
    const interactions = await interactionsOf(path);
    const sequences = orderByTime(interactions, { ties: 'file' });
    return { name, sequences, embeddings: await embed(path, interactions.itemIds) };
  });
}

/** The split, and semantic IDs by residual k-means of the items' texts. */
export async function loadTokenized(raw) {
  return withFiles(raw, async (path, name) => {
    const interactions = await interactionsOf(path);
    const embeddings = await embed(path, interactions.itemIds);
    const tokenizer = rqvaeSchema.parse({
      tokenizer: 'residual-kmeans',
      codebookSize: Math.min(256, embeddings.rows),
    });
    const params = await trainRqvae({ embeddings, config: tokenizer, training: rqvaeTrainingSchema.parse({}) });
    const ids = informativePositions(await generateSemanticIds(params, embeddings, tokenizer));
    const data = { name, ids, ...split(interactions) };
    console.log(`${name}: ${ids.numItems} items, ${data.validation.length} users`);
    return data;
  });
}

/** Vectors of 768 numbers: the items' of --raw, or 12,101 around 400 centres, as many as Beauty has items. */
export async function loadVectors(raw) {
  const dim = 768;
  if (raw) {
    return withFiles(raw, async (path) => {
      const own = await embed(path, (await interactionsOf(path)).itemIds);
      const values = new Float32Array(own.rows * dim);
      for (let row = 0; row < own.rows; row++) {
        values.set(own.values.subarray(row * own.dim, (row + 1) * own.dim), row * dim);
      }
      console.log(`${own.rows} items' TF-IDF vectors of ${own.dim}, padded with zeros to ${dim}`);
      return { values, rows: own.rows, dim };
    });
  }
  const rows = 12_101;
  const generator = createGenerator(createKey(1, 'sample'));
  const centres = Float32Array.from({ length: 400 * dim }, () => 0.7 * generator.normal());
  const values = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const centre = generator.integer(400) * dim;
    for (let i = 0; i < dim; i++) values[row * dim + i] = centres[centre + i] + generator.normal();
  }
  console.log(`${rows} random vectors of ${dim}, normal around 400 centres`);
  return { values, rows, dim };
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function withFiles(raw, f) {
  const read = (folder, name) => {
    const files = readdirSync(folder);
    return f((prefix) => join(folder, files.find((file) => file.startsWith(prefix)) ?? `${prefix}*`), name);
  };
  if (raw) return read(raw, 'amazon');
  const folder = await mkdtemp(join(tmpdir(), 'codebeam-bench-'));
  try {
    await writeSyntheticAmazon(folder, { seed: 1 });
    return await read(folder, 'synthetic sample');
  } finally {
    await rm(folder, { recursive: true });
  }
}

const interactionsOf = (path) => collectInteractions(readAmazonReviews(path('reviews_')));
const split = (interactions) => leaveOneOut(orderByTime(interactions, { ties: 'file' }));

async function embed(path, itemIds) {
  const items = await alignItems(readAmazonItems(path('meta_')), itemIds);
  const encoder = createTfidfSvdEncoder(tfidfSvdSchema.parse({}), 1);
  const values = await encoder.encode(items.map((item) => itemText(item)));
  return { values, rows: items.length, dim: encoder.dim };
}
