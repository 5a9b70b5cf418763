import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import {
  collectInteractions,
  firstTimes,
  joinRows,
  orderByTime,
  readMappedInteractions,
  splitInteractions,
  splitSchema,
} from '@codebeam/data';
import { judgeLists, judgementOf, judgementSchema } from '@codebeam/eval';
import { afterAll, expect, it } from 'vitest';
import { gru4rec } from './gru4rec.js';
import { loadGru4recConfig } from './gru4rec-config.js';

const folder = mkdtempSync(join(tmpdir(), 'codebeam-gru4rec-'));
afterAll(() => rmSync(folder, { recursive: true }));
function load(text: string) {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return loadGru4recConfig(path);
}

const example = `
model:
  layers: [10]
  loss: cross-entropy
  batch_size: 2
  dropout_p_embed: 0.0
  dropout_p_hidden: 0.0
  learning_rate: 0.05
  momentum: 0.0
  sample_alpha: 0.5
  n_sample: 2048
  embedding: 0
  constrained_embedding: true
  n_epochs: 1
  bpreg: 1.0
  elu_param: 0.5
  logq: 0.0
  device: cpu
data:
  session_key: SessionId
  item_key: ItemId
  time_key: Time
data_split:
  valid_fraction: 0.1
  test_fraction: 0.1
training:
  sample_cache_max_size: 10000000
  compatibility_mode: true
evaluation:
  cutoff: [20]
  batch_size: 512
  mode: conservative
paths:
  model_save: model.pth
  model_load: model.pth
`;

it('loads a configuration of GRU4Rec as it is', async () => {
  const { options, backend, columns, split, evaluation, paths } = await load(example);
  expect(gru4rec.options.parse(options)).toMatchObject({
    layers: [10],
    numSamples: 2048,
    compatibilityMode: true,
    training: { batchSize: 2, learningRate: 0.05, maxEpochs: 1, optimizer: 'adagrad', gradientClip: 0 },
  });
  expect(backend).toBeUndefined();
  expect(columns).toEqual({ user: 'SessionId', item: 'ItemId', timestamp: 'Time' });
  expect(splitSchema.parse(split)).toEqual(split);
  expect(evaluation).toEqual({ cutoffs: [20], batchSize: 512, ties: 'conservative' });
  expect(paths).toEqual({ save: 'model.pth', load: 'model.pth' });
});

it('says all that a run needs: columns, split, options, evaluation', async () => {
  await selectBackend();
  const { columns, split, options, evaluation } = await load(
    example.replace('n_epochs: 1', 'n_epochs: 20').replace('n_sample: 2048', 'n_sample: 4'),
  );
  // Sessions go round four items, from each of them alike.
  const rows = Array.from({ length: 200 }, (_, event) => {
    const [session, place] = [Math.floor(event / 5), event % 5];
    return `${session}\t${'abcd'[(session + place) % 4]}\t${100 * session + place}\n`;
  });
  const path = join(folder, 'sessions.tsv');
  writeFileSync(path, `SessionId\tItemId\tTime\n${rows.join('')}`);
  const read = readMappedInteractions(path, { format: 'csv', delimiter: '\t', columns });
  const { train, validation, test } = splitInteractions(await collectInteractions(read), splitSchema.parse(split), 1);
  const fitted = { numItems: train.itemIds.length, firstTimes: firstTimes(train), fittedOn: 'train' } as const;
  const training = { ...options.training, progressBar: false };
  const recommender = await gru4rec.fit({ sequences: orderByTime(train), ...fitted }, { ...options, training });
  const config = judgementSchema.parse({ preset: 'gru4rec', task: 'next-item', ks: evaluation.cutoffs });
  const judgement = judgementOf(joinRows(train, validation), test.open('evaluate'), config, 1);
  const { overall } = await judgeLists(recommender, judgement);
  expect(overall).toMatchObject({ 'recall@20': 1, 'mrr@20': 1 });
});

it('has the defaults of GRU4Rec for what is left out', async () => {
  const { options, backend } = await load('model: { loss: bpr-max, device: cuda:0 }');
  expect(gru4rec.options.parse(options)).toMatchObject({
    layers: [100],
    loss: 'bpr-max',
    sampleAlpha: 0.5,
    compatibilityMode: true,
    training: { batchSize: 64, maxEpochs: 10 },
  });
  expect(backend).toBe('tensorflow');
  expect((await load('')).evaluation.cutoffs).toEqual([20]);
});

it.each([
  ['model: { n_samples: 5 }', /^gru4rec: key model\.n_samples .*config\.yaml:1\) .*the nearest is model\.n_sample$/],
  ['modle: {}', 'the nearest is model'],
  ['training: { epochs: 5 }', 'epochs'],
  ['model: { loss: top1 }', 'model.loss'],
  ['evaluation: { mode: lenient }', 'evaluation.mode'],
])('names what is wrong in %s', async (text, name) => {
  await expect(load(text)).rejects.toThrow(name);
});
