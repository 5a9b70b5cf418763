// npm run --silent bench -- train-tiger|beam-search [--backend B] [--raw DIR] [--beam W] [--users N] [--model paper|small]
// Human lines, and last one JSON line. Weights are random: neither figure depends on what the model has learnt.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selectBackend, tf } from '@codebeam/backend';
import {
  alignItems,
  bucketByLength,
  collectInteractions,
  createTfidfSvdEncoder,
  itemText,
  leaveOneOut,
  orderByTime,
  readAmazonItems,
  readAmazonReviews,
  slidingWindowPairs,
  tfidfSvdSchema,
  writeSyntheticAmazon,
} from '@codebeam/data';
import { createKey, foldIn, permutation } from '@codebeam/random';
import { generateSemanticIds, rqvaeSchema } from '@codebeam/rqvae';
import {
  createTigerModel,
  createTigerRecommender,
  createVocabulary,
  informativePositions,
  initTiger,
  tigerLoss,
  tigerSchema,
  tokenizeHistories,
  tokenizeTargets,
} from '@codebeam/tiger';
import { fit, rqvaeTrainingSchema, tigerTrainingSchema, trainingPlan, trainRqvae } from '@codebeam/trainers';

const models = {
  paper: {},
  small: { modelWidth: 64, encoderLayers: 2, decoderLayers: 2, heads: 4, headWidth: 16, feedForwardWidth: 256 },
};
const benches = { 'train-tiger': trainTiger, 'beam-search': searchBeams };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string' },
    raw: { type: 'string' },
    beam: { type: 'string', default: '20' },
    users: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '5' },
    model: { type: 'string', default: 'paper' },
  },
});
const run = benches[positionals[0]];
if (!run || !models[values.model]) {
  console.error(
    `bench: name must be one of ${Object.keys(benches).join(', ')} and --model one of ${Object.keys(models).join(', ')}, got ${positionals[0]} and ${values.model}`,
  );
  process.exit(1);
}

const backend = await selectBackend(values.backend);
const data = await load(values.raw);
console.log(`${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}, backend ${backend.reason}`);
console.log(`${data.name}: ${data.ids.numItems} items, ${data.split.validation.length} users; model ${values.model}`);
const config = tigerSchema.parse(models[values.model]);
const measured = await run();
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(
  JSON.stringify({
    bench: positionals[0],
    backend: backend.name,
    precision: 'float32',
    threads: 1,
    ...measured,
    data: data.name,
    model: values.model,
    commit,
  }),
);

/** Steps of training on batches of 256, as fit makes them: the median of `steps`, after one to warm up. */
async function trainTiger() {
  const vocabulary = createVocabulary(data.ids, config);
  const batchSize = 256;
  const pairs = slidingWindowPairs(data.split.train, config);
  const key = createKey(1, 'shuffle');
  const batches = (epoch) => bucketByLength(pairs, { batchSize, key: foldIn(key, epoch) });
  const training = tigerTrainingSchema.parse({ batchSize, maxEpochs: 0, maxSteps: Number(values.steps) + 1 });
  const { totalSteps: _, ...plan } = trainingPlan(training, batches(0).size);
  const rates = [];
  let start = performance.now();
  let samples = 0;
  await fit({
    ...plan,
    start: { params: initTiger(config, vocabulary, 1) },
    batches,
    loss: (params, { histories, targets }, { key }) => {
      samples = histories.length;
      const rows = tokenizeHistories(vocabulary, data.ids, histories, config.maxHistory);
      return { loss: tigerLoss(params, rows, tokenizeTargets(vocabulary, data.ids, targets), config, key) };
    },
    callbacks: [
      ({ kind, state }) => {
        if (kind !== 'step') return;
        const seconds = (performance.now() - start) / 1000;
        console.log(`step ${state.step}: ${(samples / seconds).toFixed(1)} samples/s`);
        if (state.step > 1) rates.push(samples / seconds);
        start = performance.now();
      },
    ],
  });
  return { samplesPerSecond: median(rates) };
}

/** Lists of 10 for users of the validation split, history masked. */
async function searchBeams() {
  const beamWidth = Number(values.beam);
  const params = initTiger(config, createVocabulary(data.ids, config), 1);
  const recommender = createTigerRecommender(createTigerModel(config, data.ids, params), { beamWidth });
  const order = permutation(createKey(1, 'sample'), data.split.validation.length).subarray(0, Number(values.users));
  const histories = Array.from(order, (i) => data.split.validation[i].history);
  await recommender.recommend(histories.slice(0, 64), 10, { maskHistory: true });
  const start = performance.now();
  await recommender.recommend(histories, 10, { maskHistory: true });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${histories.length} users at beam ${beamWidth}: ${seconds.toFixed(1)} s; ${tf.memory().numTensors} tensors held`,
  );
  return { usersPerSecond: histories.length / seconds, users: histories.length, beamWidth };
}

async function load(raw) {
  if (raw) return read(raw, readdirSync(raw), 'amazon');
  const folder = await mkdtemp(join(tmpdir(), 'codebeam-bench-'));
  try {
    await writeSyntheticAmazon(folder, { seed: 1 });
    return await read(folder, readdirSync(folder), 'synthetic sample');
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function read(folder, files, name) {
  const path = (prefix) => join(folder, files.find((file) => file.startsWith(prefix)) ?? `${prefix}*`);
  const interactions = await collectInteractions(readAmazonReviews(path('reviews_')));
  const items = await alignItems(readAmazonItems(path('meta_')), interactions.itemIds);
  const encoder = createTfidfSvdEncoder(tfidfSvdSchema.parse({}), 1);
  const vectors = await encoder.encode(items.map((item) => itemText(item)));
  const embeddings = { values: vectors, rows: items.length, dim: encoder.dim };
  const tokenizer = rqvaeSchema.parse({ tokenizer: 'residual-kmeans', codebookSize: Math.min(256, items.length) });
  const params = await trainRqvae({ embeddings, config: tokenizer, training: rqvaeTrainingSchema.parse({}) });
  const ids = informativePositions(await generateSemanticIds(params, embeddings, tokenizer));
  return { name, ids, split: leaveOneOut(orderByTime(interactions, { ties: 'file' })) };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
