import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { selectBackend } from '@codebeam/backend';
import { encodeSafetensors, readEmbeddings, writeEmbeddings } from '@codebeam/data';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadStage } from '../../pipelines/load-stage.js';
import { type StageName, stageNames } from '../../pipelines/pipeline.js';
import { resolveConfig } from '../../pipelines/resolve-config.js';
import { runStage } from '../../pipelines/stage.js';

// Bad input: one error that says where, and nothing left behind.

const home = process.cwd();
const config = `
fetch-data:
  layouts:
    - interactions: { type: amazon, file: reviews.json.gz }
      items: { type: table, file: items.csv, columns: { id: id, title: title } }
rqvae: { levels: 2, codebookSize: 4, hiddenDims: [8], latentDim: 4 }
train-rqvae: { maxEpochs: 1, progressBar: false }
sasrec: { modelWidth: 4, layers: 1 }
train-sasrec: { maxEpochs: 1, progressBar: false }
embed-items: { encoder: { type: tfidf-svd, dim: 4 } }
`;
const names = stageNames.slice(0, stageNames.indexOf('train-tiger'));

let lines: string[];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faults-'));
  process.chdir(folder);
  mkdirSync('raw');
  lines = [];
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const review = (user: number, item: number) =>
  JSON.stringify({ reviewerID: `u${user}`, asin: `i${item}`, unixReviewTime: 86_400 * (user + item) });
const reviews = Array.from({ length: 36 }, (_, i) => review(Math.floor(i / 6), i % 6));
const titles = ['red soap', 'green soap', 'red paint', 'green paint', 'red soap box', 'green paint box'];
const writeReviews = (rows: readonly string[]) => writeFileSync('raw/reviews.json.gz', gzipSync(rows.join('\n')));
const writeItems = (rows: readonly string[]) =>
  writeFileSync('raw/items.csv', ['id,title', ...rows.map((title, item) => `i${item},${title}`)].join('\n'));

async function run(name: StageName, set: readonly string[] = []) {
  const { config: resolved } = resolveConfig('shop.yaml', config, { set });
  return runStage(await loadStage(resolved, name), {
    name,
    dataset: 'shop',
    run: 'shop',
    config: resolved,
    code: '',
    versions: {},
    raw: 'raw',
    log: (text) => lines.push(text),
  });
}

async function runUntil(last: StageName): Promise<void> {
  writeReviews(reviews);
  writeItems(titles);
  for (const name of names) {
    await run(name);
    if (name === last) return;
  }
}

async function expectFault(name: StageName, message: RegExp, set: readonly string[] = []): Promise<void> {
  await expect(run(name, set)).rejects.toThrow(message);
  expect(existsSync(join('checkpoints/shop', name))).toBe(false);
  expect(existsSync(join('checkpoints/.work/shop', name, 'output'))).toBe(false);
}

it('a folder without the files', async () => {
  await expectFault(
    'fetch-data',
    /^pipelines: --raw must be a folder with reviews\.json\.gz and items\.csv, got raw with nothing in it/,
  );
});

it('a gzip file that was cut', async () => {
  writeReviews(reviews);
  writeItems(titles);
  truncateSync('raw/reviews.json.gz', 60);
  await run('fetch-data');
  await expectFault('prepare-data', /^data: raw\/reviews\.json\.gz must be a complete gzip file/);
});

it('more unreadable lines than are tolerated', async () => {
  writeReviews([...reviews.slice(0, 3), '{"reviewerID": "u1", ', '{"asin": 3}', ...reviews.slice(3)]);
  writeItems(titles);
  await run('fetch-data');
  await expectFault('prepare-data', /^data: raw\/reviews\.json\.gz.*\b4\b/);
});

it('a tolerated unreadable line is passed over, and named', async () => {
  writeReviews([...reviews.slice(0, 3), '{"reviewerID": "u1", ', ...reviews.slice(3)]);
  writeItems(titles);
  await run('fetch-data');
  const { counts } = await run('prepare-data');
  expect(counts).toMatchObject({ users: 6, items: 6, interactions: 36 });
  expect(lines.filter((text) => /passed over 1 line of 37, the first at line 4/.test(text))).toHaveLength(1);
});

it('items of other ids', async () => {
  writeReviews(reviews);
  writeFileSync('raw/items.csv', 'id,title\n17,red soap\n');
  await run('fetch-data');
  const message =
    /^pipelines: items\.csv must hold items of the interactions, got ids like 17 where those have i0; check/;
  await expectFault('prepare-data', message);
  writeItems(titles.slice(0, 3));
  await run('fetch-data');
  await run('prepare-data');
  expect(lines).toContain('items.csv has 3 items of 6 (50.0 %)');
});

it('a file without interactions', async () => {
  writeReviews([]);
  writeItems(titles);
  await run('fetch-data');
  await expectFault('prepare-data', /^pipelines: reviews\.json\.gz must hold an interaction, got none/);
});

it('raw files that are not those that fetch-data saw', async () => {
  await runUntil('fetch-data');
  writeReviews(reviews.slice(1));
  await expectFault(
    'prepare-data',
    /^pipelines: raw file reviews\.json\.gz must have the \d+ bytes that fetch-data saw/,
  );
});

it('a core that nobody is in', async () => {
  await runUntil('fetch-data');
  await expectFault('prepare-data', /^data: the 9-core must hold at least one interaction/, [
    'prepare-data.minInteractions=9',
  ]);
});

it('items without a text', async () => {
  writeReviews(reviews);
  writeItems([]);
  await selectBackend();
  for (const name of ['fetch-data', 'prepare-data', 'train-sasrec'] as const) await run(name);
  await expectFault('embed-items', /^data: texts must share words, got 6 texts/);
});

it('embeddings of another width, of fewer rows, or with NaN', async () => {
  const layout = '[{interactions: {type: amazon, file: reviews.json.gz}, embeddings: vectors.arrow}]';
  const set = [`fetch-data.layouts=${layout}`, 'embed-items.encoder={type: precomputed, dim: 3, inItemOrder: true}'];
  writeReviews(reviews);
  const vectors = (rows: number, dim: number) => ({ values: new Float32Array(rows * dim), rows, dim });
  await writeEmbeddings('raw/vectors.arrow', vectors(6, 2), 'theirs');
  await selectBackend();
  for (const name of ['fetch-data', 'prepare-data', 'train-sasrec'] as const) await run(name, set);
  await expectFault('embed-items', /^data: raw\/vectors\.arrow must have vectors of width 3, got width 2/, set);

  await writeEmbeddings('raw/vectors.arrow', vectors(5, 3), 'theirs');
  await expectFault('embed-items', /^data: raw\/vectors\.arrow must have one row for each of 6 items, got 5 rows/, set);

  const withNaN = { dtype: 'F32', shape: [6, 3], data: new Float32Array(18).fill(Number.NaN, 4, 5) } as const;
  writeFileSync('raw/vectors.safetensors', encodeSafetensors({ embedding: withNaN }));
  const other = [set[0].replace('.arrow', '.safetensors'), set[1]];
  for (const name of ['fetch-data', 'prepare-data', 'train-sasrec'] as const) await run(name, other);
  await expectFault('embed-items', /^data: raw\/vectors\.safetensors must have finite values, got NaN in row 1/, other);
});

it('a tokenizer that was trained with another config', async () => {
  await selectBackend();
  await runUntil('train-rqvae');
  await expectFault(
    'assign-semantic-ids',
    /^nn: tensor codebooks\.2 of .*rqvae\.safetensors must be F32 \[4,4\], got none/,
    ['rqvae.levels=3'],
  );
});

it('residual k-means has no training curve, whatever was trained under its name before', async () => {
  await selectBackend();
  await runUntil('train-rqvae');
  const curve = () => readFileSync('checkpoints/shop/train-rqvae/metrics.jsonl', 'utf8');
  expect(curve()).toContain('"step":1,');
  await run('train-rqvae', ['rqvae.tokenizer=residual-kmeans']);
  expect(curve()).toBe('');
});

it('precomputed embeddings go in as they are', async () => {
  const layout = '[{interactions: {type: amazon, file: reviews.json.gz}, embeddings: vectors.arrow}]';
  const set = [`fetch-data.layouts=${layout}`, 'embed-items.encoder={type: precomputed, inItemOrder: true}'];
  writeReviews(reviews);
  const values = Float32Array.from({ length: 12 }, (_, i) => i);
  await writeEmbeddings('raw/vectors.arrow', { values, rows: 6, dim: 2 }, 'theirs');
  await selectBackend();
  for (const name of ['fetch-data', 'prepare-data', 'train-sasrec'] as const) await run(name, set);
  await expectFault('embed-items', /must say which item each row is of/, [set[0], set[1].replace('true', 'false')]);
  await run('embed-items', set);
  const written = await readEmbeddings('checkpoints/shop/embed-items/item-embeddings.arrow');
  expect(written).toMatchObject({ values, encoder: 'precomputed vectors.arrow' });
  expect(JSON.parse(readFileSync('checkpoints/shop/fetch-data/source.json', 'utf8')).files).toHaveLength(2);

  // Or in that of a file of ids.
  writeFileSync('raw/ids.txt', 'i5\ni4\ni3\ni2\ni1\ni0\n');
  const byId = [set[0].replace('}]', ', embeddingIds: ids.txt}]'), 'embed-items.encoder={type: precomputed}'];
  for (const name of ['fetch-data', 'prepare-data', 'train-sasrec', 'embed-items'] as const) await run(name, byId);
  const matched = await readEmbeddings('checkpoints/shop/embed-items/item-embeddings.arrow');
  expect(matched.values.subarray(0, 4)).toEqual(Float32Array.of(10, 11, 8, 9));
});

it("SASRec's item embeddings make up their share of the vectors", async () => {
  await selectBackend();
  await runUntil('train-sasrec');
  await run('embed-items', ['embed-items.collaborative=0.36']);
  const { values, dim, encoder } = await readEmbeddings('checkpoints/shop/embed-items/item-embeddings.arrow');
  expect(dim).toBe(4 + 4);
  expect(encoder).toMatch(/, with SASRec's at a share of 0.36$/);
  // Everybody met items 0 to 3 in training; 4 and 5 are the held out ones, of which nothing was learnt.
  for (const [item, length] of [0.6, 0.6, 0.6, 0.6, 0, 0].entries()) {
    const learnt = values.subarray(item * dim + 4, (item + 1) * dim);
    expect(Math.hypot(...learnt)).toBeCloseTo(length, 5);
  }
});
