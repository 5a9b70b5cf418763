import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { asha, gridSampler, localLauncher, parseSearchSpace, runStudy } from '@codebeam/trainers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecommenderModel, TrainingData } from './define-recommender.js';
import { recommenderModels, searchObjective } from './index.js';

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
