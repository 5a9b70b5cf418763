import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { selectBackend } from '@codebeam/backend';
import { createTfidfSvdEncoder, type Embeddings, itemText, tfidfSvdSchema } from '@codebeam/data';
import { createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import { rqvaeSchema } from './config.js';
import { evaluateReconstruction, extendSemanticIds, generateSemanticIds } from './generate-semantic-ids.js';
import { initCodebooks } from './init-codebooks.js';
import { initRqvae, type RqvaeParams } from './rqvae.js';
import { semanticIdOf } from './semantic-ids.js';
import { reportTokenizer } from './tokenizer-report.js';

const folder = process.env.CODEBEAM_DATA;

describe.skipIf(!folder)('on Amazon Beauty (skipped unless CODEBEAM_DATA names a folder with the files)', () => {
  const config = rqvaeSchema.parse({ tokenizer: 'residual-kmeans' });
  const read = (name: string) =>
    gunzipSync(readFileSync(`${folder}/amazon_beauty/${name}`))
      .toString()
      .trim()
      .split('\n');
  let embeddings: Embeddings;
  let params: RqvaeParams;
  let labels: string[];

  beforeAll(async () => {
    await selectBackend();
    const items = read('items.jsonl.gz').map((line) => JSON.parse(line));
    const encoder = createTfidfSvdEncoder(tfidfSvdSchema.parse({}), 42);
    const texts = items.map(({ asin, title, brand, categories }) =>
      itemText({ id: asin, categories, ...(title && { title }), ...(brand && { brand }) }),
    );
    embeddings = { values: await encoder.encode(texts), rows: items.length, dim: encoder.dim };
    labels = items.map(({ categories }) => categories[0][1] ?? '');
    const key = createKey(42, 'init');
    params = await initCodebooks(initRqvae(key, embeddings, config), embeddings, config, key);
  }, 180_000);

  it('uses all codes and tells most items apart by residual k-means', async () => {
    const ids = await generateSemanticIds(params, embeddings, config);
    const sequences = trainingSequences(read('sequences.txt.gz'));
    const reconstruction = await evaluateReconstruction(params, embeddings, config);
    const report = reportTokenizer(ids, { reconstruction, labels, sequences, key: createKey(1, 'sample') });
    for (const { usage } of report.usage) expect(usage).toBeGreaterThanOrEqual(0.95);
    expect(report.collisions.distinctTuples).toBeGreaterThanOrEqual(0.78);
    expect(report.collisions.largestGroup).toBeLessThanOrEqual(30);
    expect(new Set(Array.from({ length: ids.numItems }, (_, item) => semanticIdOf(ids, item).join())).size).toBe(
      12_101,
    );
    // Prefixes know the categories and what is bought together; random IDs do not.
    const [first] = report.categories ?? [];
    expect(first.purity).toBeGreaterThan(2 * first.random.purity);
    for (const { consecutive, random } of report.coOccurrence ?? []) expect(consecutive).toBeGreaterThan(10 * random);
  });

  it.each([false, true])('takes in new items without touching the others, balanced last level %s', async (balanced) => {
    const settings = { ...config, balanceLastLevel: balanced };
    const old = 12_000;
    const part = (from: number, to: number): Embeddings => ({
      values: embeddings.values.subarray(from * embeddings.dim, to * embeddings.dim),
      rows: to - from,
      dim: embeddings.dim,
    });
    const before = await generateSemanticIds(params, part(0, old), settings);
    const after = await extendSemanticIds(before, params, part(old, embeddings.rows), settings);
    expect(after.numItems).toBe(12_101);
    expect(after.codes.subarray(0, before.codes.length)).toEqual(before.codes);
    expect(new Set(Array.from({ length: 12_101 }, (_, item) => semanticIdOf(after, item).join())).size).toBe(12_101);
    if (balanced) expect(after.sizes).toEqual(before.sizes); // a trained TIGER's vocabulary still fits
  });

  it('tells all items apart with a balanced last level', async () => {
    const ids = await generateSemanticIds(params, embeddings, { ...config, balanceLastLevel: true });
    const { collisions, usage } = reportTokenizer(ids, { key: createKey(1, 'sample') });
    expect(collisions.distinctTuples).toBeGreaterThanOrEqual(0.95);
    for (const level of usage) expect(level.usage).toBeGreaterThanOrEqual(0.95);
  });
});

/** Histories without validation and test items, from lines of `user item item ...` with ids from 1. */
function trainingSequences(lines: string[]) {
  const histories = lines.map((line) => line.split(' ').slice(1, -2));
  const offsets = new Int32Array(histories.length + 1);
  histories.forEach((items, user) => {
    offsets[user + 1] = offsets[user] + items.length;
  });
  return { offsets, items: Int32Array.from(histories.flat(), (id) => Number(id) - 1) };
}
