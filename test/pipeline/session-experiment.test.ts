import { selectBackend } from '@codebeam/backend';
import {
  analyseExperiment,
  formatExperiment,
  policyByTreatment,
  simulateSessions,
  syntheticCatalogue,
  syntheticListeners,
} from '@codebeam/simulation';
import { beforeAll, describe, expect, it } from 'vitest';
import { collectListens, fitCore, listTreatments, userLists } from '../../pipelines/session-experiment.js';

describe('the experiment of seed 003', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('finds lists of CORE better in order (T1) and restarted (T2) than in random order (T3), and that better than sticky-artist', async () => {
    const catalogue = syntheticCatalogue({ seed: 42, tracks: 3000 });
    const users = syntheticListeners(catalogue, { seed: 42, users: 2000 });
    // As many sessions of a user as the seed's logs have: 36.
    const listens = await collectListens({ catalogue, users }, { episodes: 72_000, seed: 1 });
    expect(listens.users.length).toBeGreaterThan(50_000);
    const training = { maxEpochs: 8, batchSize: 512, learningRate: 0.01, progressBar: false };
    const model = await fitCore(listens, { encoder: 'ave', modelWidth: 32, training }, 1);
    const lists = await userLists(model, listens);
    expect(lists.size).toBe(listens.userIds.length);
    const experiment = { name: 'CORE', ways: 4 };
    const policies = listTreatments(catalogue, lists);
    const policy = policyByTreatment(experiment, policies);
    const log = await simulateSessions({
      catalogue,
      users,
      policy,
      episodes: 12_000,
      seed: 1001,
      experiments: [experiment],
    });
    const analysis = analyseExperiment(log, 'CORE', { metrics: ['mean_time_per_session'] });
    console.error(
      formatExperiment(
        analysis,
        policies.map(({ name }) => name),
      ),
    );
    const mean = Object.fromEntries(
      analysis.groups.map(({ treatment, metrics }) => [treatment, metrics.mean_time_per_session.mean]),
    );
    expect(mean.T1).toBeGreaterThan(mean.T3);
    expect(mean.T2).toBeGreaterThan(mean.T3);
    expect(mean.T3).toBeGreaterThan(mean.C);
    for (const { isSignificant } of analysis.effects) expect(isSignificant).toBe(true);
  }, 600_000);
});
