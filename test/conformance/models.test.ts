import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import {
  addEase,
  attributeItemKnn,
  attributeUserKnn,
  bprMf,
  cease,
  coOccurrence,
  core,
  countLogit,
  createHybridRecommender,
  ease,
  gru4rec,
  ials,
  itemKnn,
  markov,
  mostPopular,
  neumf,
  proxy,
  random,
  recommenderModels,
  rp3beta,
  sasrec,
  slim,
  userKnn,
  vsm,
} from '@codebeam/recommenders';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeModel, describeRecommender } from './recommender.js';

const folder = mkdtempSync(join(tmpdir(), 'codebeam-models-'));
/** Whole lists: the item that is withheld from each user, then all others. */
const lists = Array.from({ length: 16 }, (_, user) =>
  [user, ...Array.from({ length: 16 }, (_, item) => item).filter((item) => item !== user)].map(
    (item, place) => `user ${user}\titem ${item}\t${place + 1}\n`,
  ),
);

beforeAll(async () => {
  await selectBackend();
  writeFileSync(join(folder, 'lists.tsv'), `user\titem\trank\n${lists.flat().join('')}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const sameForAll = { withheldItem: 'it recommends the same to everybody' };
const training = { maxEpochs: 60, batchSize: 16, learningRate: 5e-3, progressBar: false };

const suites: Parameters<typeof describeModel>[] = [
  [random, {}, { withheldItem: 'it knows nothing' }],
  [mostPopular, {}, sameForAll],
  [markov],
  [coOccurrence],
  [itemKnn],
  [userKnn],
  [rp3beta],
  [ease, { l2: 1 }],
  [slim],
  [ials, { factors: 4, regularization: 0.1 }],
  [vsm, {}, { withheldItem: 'it tells apart what has other features' }],
  [attributeItemKnn, {}, { withheldItem: 'to its features all of a half are alike' }],
  [attributeUserKnn],
  [cease, { l2: 1 }],
  [addEase, { l2: 1, l2Features: 1 }],
  [bprMf, { factors: 16, training }],
  [neumf, { gmfWidth: 8, mlpWidth: 8, layers: [16, 8], training }],
  [core, { encoder: 'trm', modelWidth: 32, layers: 1, dropout: 0, sessionDropout: 0, itemDropout: 0, training }],
  [gru4rec, { layers: [32], numSamples: 0, training: { ...training, learningRate: 0.1 } }],
  [sasrec, { modelWidth: 32, layers: 1, dropout: 0, maxHistory: 3, training }],
  [sasrec, { modelWidth: 32, layers: 1, dropout: 0, maxHistory: 3, loss: 'bce', training }],
  [sasrec, { modelWidth: 32, layers: 1, dropout: 0, maxHistory: 3, loss: 'sampled-softmax', numSamples: 8, training }],
  [proxy, { file: join(folder, 'lists.tsv') }, { strangers: 'it knows the users of its file' }],
];
for (const suite of suites) describeModel(...suite);

it('has a suite for every model', () => {
  expect(new Set(suites.map(([{ name }]) => name))).toEqual(new Set(Object.keys(recommenderModels)));
});

describeRecommender('hybrid', async (sequences, numItems) => {
  const data = { sequences, numItems, fittedOn: 'train' } as const;
  const parts = [await markov.fit(data), await coOccurrence.fit(data)].map((recommender) => {
    return { recommender, weight: 1, logit: countLogit };
  });
  return createHybridRecommender(parts, numItems, { depth: numItems });
});
