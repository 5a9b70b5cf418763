import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { asha, gridSampler, type Hyperparameters, localLauncher, parseSearchSpace, runStudy } from '@codebeam/trainers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecommenderModel, TrainingData } from './define-recommender.js';
import { estimateFit, recommenderModels, refitOptions, searchObjective, searchSpaceOf } from './index.js';

/** Everybody goes on by one, from 0 to 9 and round again. */
const histories = Array.from({ length: 20 }, (_, user) => Int32Array.from({ length: 6 }, (_, i) => (user + i) % 10));
const data: TrainingData = { sequences: packSequences(histories), numItems: 10, fittedOn: 'train' };

/** Share of the histories after which the next number is listed first. */
async function evaluate(recommender: Recommender): Promise<Record<string, number>> {
  const { items } = await recommender.recommend(histories, 1, { maskHistory: true });
  return { 'recall@1': histories.filter((history, user) => items[user] === (history[5] + 1) % 10).length / 20 };
}

async function search(model: RecommenderModel, space: object) {
  return runStudy({
    space: parseSearchSpace(space),
    sampler: gridSampler(),
    schedulers: [asha({ grace: 2, factor: 2, max: 100 })],
    launcher: localLauncher(searchObjective({ model, data, metric: 'recall@1', evaluate })),
    metric: 'recall@1',
    mode: 'max',
    seed: 1,
    folder: await mkdtemp(join(tmpdir(), 'search-')),
    log: () => {},
  });
}

describe('searchObjective', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('measures a model in closed form once, and records options that it refuses as a failed trial', async () => {
    const { trials } = await search(recommenderModels.ease, { l2: [1, -1], feedback: 'implicit' });
    expect(trials.map(({ status, reports }) => [status, reports.length])).toEqual([
      ['complete', 1],
      ['failed', 0],
    ]);
    expect(trials[1].error).toContain('ease: options must be valid');
  });

  it('reports every validation of a model trained in steps, and stops those that learn nothing', async () => {
    const training = { maxEpochs: 12, batchSize: 16, learningRate: [0.02, 1e-6], progressBar: false };
    const { trials, best } = await search(recommenderModels.sasrec, { dropout: 0, training });
    expect(trials[0]).toMatchObject({ status: 'complete', reports: { length: 12 } });
    expect(trials[1]).toMatchObject({ status: 'stopped', resource: 1 });
    expect(best!.number).toBe(0);
    expect(best!.score).toBeGreaterThan(0.5);
  });
});

describe('searchSpaceOf', () => {
  const issueOf = (model: RecommenderModel, space: object) => searchSpaceOf(model).safeParse(space).error?.issues[0];

  it("takes spaces of a model's options, nested ones too", () => {
    const space = searchSpaceOf(recommenderModels.sasrec).parse({
      dropout: ['uniform', 0, 0.5],
      training: { maxEpochs: [5, 10] },
    });
    expect(space).toMatchObject({
      dropout: { kind: 'number' },
      'training.maxEpochs': { kind: 'choice', values: [5, 10] },
    });
  });

  it('refuses unknown keys, values that the model refuses, and options left out that have no default', () => {
    expect(issueOf(recommenderModels.sasrec, { training: { epochs: 5 } })).toMatchObject({
      keys: ['epochs'],
      path: ['training'],
    });
    expect(issueOf(recommenderModels.ease, { l2: ['uniform', 0, 1] })!.message).toContain('l2 of 0 is refused');
    expect(issueOf(recommenderModels['item-knn'], { k: ['uniform', 1, 9] })!.message).toMatch(/k of 4\.\d+ is refused/);
    const layers = issueOf(recommenderModels.gru4rec, { layers: [100] })!.message;
    expect(layers).toMatch(/^layers of 100 is refused: .*; for one value that is a list write \[\[100\]\]$/);
    expect(issueOf(recommenderModels.gru4rec, { layers: [[100]] })).toBeUndefined();
    expect(issueOf(recommenderModels.ease, {})).toMatchObject({ path: ['l2'] });
  });
});

it('refitOptions trains for as long as the best validation had it', () => {
  const { sasrec, ease } = recommenderModels;
  const trainingOf = (values: Hyperparameters, resource: number) =>
    (refitOptions(sasrec, values, resource) as { training: object }).training;
  expect(trainingOf({ 'training.maxEpochs': 30, 'training.validationInterval': 5 }, 3)).toMatchObject({
    maxEpochs: 15,
  });
  // The last validation is at the end, which need not be a whole interval away.
  expect(trainingOf({ 'training.maxEpochs': 12, 'training.validationInterval': 5 }, 3)).toMatchObject({
    maxEpochs: 12,
  });
  const steps = { 'training.validationUnit': 'step', 'training.validationInterval': 100 };
  expect(trainingOf(steps, 4)).toMatchObject({ maxSteps: 400 });
  expect(refitOptions(ease, { l2: 5 }, 1)).toEqual({ l2: 5 });
});

it('estimateFit measures a model trained in steps, and asks others for their size', async () => {
  await selectBackend();
  const values = { 'training.maxEpochs': 7, 'training.batchSize': 8, 'training.schedule.warmupSteps': 100 };
  const estimate = await estimateFit(recommenderModels.sasrec, data, values, [1, 2]);
  expect(estimate.steps).toBe(7 * 3); // 20 users in batches of 8
  expect(estimate.estimatedSecondsPerEpoch).toBeCloseTo(3 * estimate.estimatedSecondsPerStep!, 12);
  expect(await estimateFit(recommenderModels.ease, data, { l2: 1 })).toEqual({ estimatedBytes: 40 * 10 ** 2 });
  expect(await estimateFit(recommenderModels.markov, data, {})).toEqual({});
});
