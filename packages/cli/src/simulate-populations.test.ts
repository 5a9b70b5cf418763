import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readConfig, readParquet } from '@codebeam/data';
import { factorizeImplicit } from '@codebeam/recommenders';
import { createSimulation, implicitMf, meanSquaredError, populationsSchema } from '@codebeam/simulation';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 240_000 });

// Through the program as npm links it, on what is built.
const program = resolve(import.meta.dirname, '../bin/codebeam.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'populations-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function simulate(config: string, ...args: string[]) {
  writeFileSync(join(folder, 'config.yaml'), config);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'simulate', 'populations', '--config', 'config.yaml', ...args],
    { cwd: folder, encoding: 'utf8' },
  );
  return { status, stdout, stderr, last: () => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) };
}

const everything = `
model: { type: content-filtering, numAttributes: 6 }
numUsers: 30
numItems: 60
numItemsPerIter: 5
users: { drift: 0.01, attentionExp: -0.5, repeatInteractions: false }
creators: { count: 3 }
measurements: [mse, rmse, interaction_histogram, interaction_spread, rec_similarity, afsr,
  { type: interaction_similarity, pairs: [[0, 1], [2, 3], [4, 5]], diagnostics: true }]
runs:
  - { timesteps: 3, startup: true, trainBetweenSteps: false, train: true }
  - { timesteps: 4, addUsers: 2, repeatedItems: false, randomItemsPerIter: 2, varyRandomItemsPerIter: true }
state: [predicted_items, items_shown]
`;

describe('codebeam simulate populations', () => {
  it('prints a value before any step and one after each, and writes files that say the same', async () => {
    const first = simulate(everything, '--seed', '3', '--out', 'first', '--json');
    expect(first.stderr).toContain('content-filtering: 7 steps in');
    expect(first.status).toBe(0);
    const printed = first.last();
    for (const values of Object.values<unknown[]>(printed)) expect(values).toHaveLength(8);
    expect(printed['interaction_similarity.n']).toEqual([null, 3, 3, 3, 3, 3, 3, 3]);
    expect(printed.interaction_histogram[0]).toBeNull();
    const sums = printed.interaction_histogram.slice(1).map((counts: number[]) => counts.reduce((a, b) => a + b));
    expect(sums).toEqual([30, 30, 30, 32, 32, 32, 32]);

    const measured = await readParquet(join(folder, 'first/measurements.parquet'), {
      timestep: 'int32',
      mse: 'double',
    });
    expect([...measured.timestep]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...measured.mse]).toEqual(printed.mse);
    const met = await readParquet(join(folder, 'first/interactions.parquet'), {
      timestep: 'int32',
      user: 'int32',
      item: 'int32',
    });
    expect(met.user).toHaveLength(3 * 30 + 4 * 32);
    const histogram: number[] = printed.interaction_histogram[7].map(() => 0);
    for (const [row, item] of met.item.entries()) if (met.timestep[row] === 7) histogram[item]++;
    expect(histogram).toEqual(printed.interaction_histogram[7]);
    const items = await readParquet(join(folder, 'first/state/predicted_items.parquet'), {
      timestep: 'int32',
      values: 'list<double>',
    });
    expect(items.timestep.filter((step) => step === 0)).toHaveLength(60);
    expect(items.values[0]).toHaveLength(6);
    const page = readFileSync(join(folder, 'first/populations.html'), 'utf8');
    expect(page.match(/<svg /g)!.length).toBeGreaterThanOrEqual(7);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);

    const second = simulate(everything, '--seed', '3', '--out', 'second', '--json');
    expect(second.stdout).toBe(first.stdout);
    for (const file of [
      'measurements.parquet',
      'interactions.parquet',
      'state/items_shown.parquet',
      'populations.html',
    ]) {
      expect(readFileSync(join(folder, 'second', file)).equals(readFileSync(join(folder, 'first', file)))).toBe(true);
    }
    expect(simulate(everything, '--seed', '4', '--json').stdout).not.toBe(first.stdout);
  });

  it.each([
    [
      'bass',
      'model: { type: bass, friendship: 0.1, probability: 0.3 }\nruns: [{ timesteps: until-completion }]',
      'num_infected',
    ],
    [
      'social-filtering',
      'model: { type: social-filtering }\nnumItems: 50\nruns: [{ timesteps: 4, addUsers: 1 }]',
      'rec_similarity',
    ],
    [
      'implicit-mf',
      'model: { type: implicit-mf, factors: 3 }\nnumItems: 50\nruns: [{ timesteps: 4, startup: true, train: true }]',
      'interaction_spread',
    ],
    [
      'recommender',
      'model: { type: recommender, fit: item-knn }\nnumItems: 50\nitems: { numAttributes: 4 }\nruns: [{ timesteps: 4 }]',
      'interaction_spread',
    ],
  ])('runs %s', (_, config, measurement) => {
    const { status, stderr, last } = simulate(config, '--json');
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    expect(last()[measurement].at(-1)).toEqual(expect.any(Number));
  });

  it.each([
    [
      'model: { type: popularity }\nnumUser: 5',
      'key numUser (config.yaml:2) must be a known one, got numUser; the nearest is numUsers',
    ],
    ['model: { type: popularity }\nruns:\n  - { timestep: 5 }', 'the nearest is runs.0.timesteps'],
    ['model: { type: popularity }\nnumItems: 0', 'numItems (config.yaml:2) must be valid, got 0'],
    ['model: { type: popularty }', 'must be valid, got "popularty"'],
    ['model: { type: popularity }\nmeasurements: [msee]', 'expected one of mse, rmse, interaction_histogram'],
    ['model: { type: popularity }\nruns: [{ timesteps: 2.5 }]', 'expected one of a whole number, until-completion'],
    ['model: { type: popularity, factors: 3 }', /got factors; the nearest is (?!model\.factors$)/],
    ['numUsers: 3', 'model (config.yaml) must be valid, got nothing'],
    ['model: { type: popularity }\nmeasurements: [{ type: rmse, pairs: 5 }]', 'got pairs'],
    ['model: { type: recommender }', 'one of checkpoint and fit must be given'],
    ['model: { type: recommender, checkpoint: a, options: { k: 3 } }', 'must be left out without fit'],
    ['model: { type: bass }\nscoreFn: cosine', 'must be left out for bass, which compares no profiles'],
    ['model: { type: bass }\ncreators: { count: 3 }', 'must be left out for bass, which has one item'],
    [
      'model: { type: popularity }\nusers: { divisiveNormalization: {}, attentionExp: -1 }',
      'must be left out beside attentionExp and repeatInteractions',
    ],
    [
      'model: { type: popularity }\nruns: [{ timesteps: until-completion }]',
      'must be a number for popularity, which never completes',
    ],
  ])('names what is wrong with %j', (config, message) => {
    expect(() => readConfig('cli', populationsSchema, 'config.yaml', config)).toThrow(message);
  });

  it.each([
    ['model: { type: recommender, fit: nothing }', 'error: cli: model.fit must be one of'],
    [
      'model: { type: recommender, fit: item-knn, options: { kk: 3 } }',
      'error: cli: model.options must be those of item-knn',
    ],
    [
      'model: { type: content-filtering, numAttributes: 20 }\nitems: { numAttributes: 30 }',
      'simulation: model.numAttributes must be that of items, 30, got 20',
    ],
    ['model: { type: popularity }\nnumItems: 5', 'items per step must be from 1 to the number of items, 5, got 10'],
  ])('ends with 2 and a line for %j', (config, message) => {
    const { status, stderr, stdout } = simulate(config, '--json');
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([2, '']);
  });
});

describe('implicit MF by the alternating least squares of recommenders', () => {
  it('learns two tastes', async () => {
    // Even users meet even items, odd ones odd items.
    const choose = ({ user, shown }: { user: number; shown: Int32Array }) =>
      Math.max(
        0,
        shown.findIndex((item) => item % 2 === user % 2),
      );
    const simulation = await createSimulation({
      model: implicitMf({
        factorize: (counts, factors) => factorizeImplicit(counts, { factors, alpha: 40, regularization: 0.1 }),
        factors: 4,
      }),
      numUsers: 40,
      numItems: 30,
      users: { choose },
      measurements: [meanSquaredError()],
    });
    await simulation.startupAndTrain(15);
    await simulation.run({ timesteps: 1 });
    const own = [...simulation.shown!.items].filter((item, place) => item % 2 === Math.floor(place / 10) % 2).length;
    expect(own / 400).toBeGreaterThan(0.85);
  });
});
