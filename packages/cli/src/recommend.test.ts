import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packSequences } from '@codebeam/data';
import { itemKnn, rp3beta } from '@codebeam/recommenders';
import { createTigerModel, createTigerRecommender, createVocabulary, initTiger } from '@codebeam/tiger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { config, ids, itemIds, writeTigerRun } from '../../serving/fixtures/tiger-run.js';

// Through the program as npm links it, on what is built.
const program = resolve(import.meta.dirname, '../bin/codebeam.mjs');
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recommend-'));
  mkdirSync(join(folder, 'knn'));
  const sequences = packSequences(
    [
      [0, 1, 2],
      [0, 1],
      [3, 1],
    ].map((items) => Int32Array.from(items)),
  );
  const itemIds = ['tea', 'cup', 'pot', 'jam'];
  const data = { sequences, numItems: 4, itemIds, userIds: ['a', 'b', 'c'], fittedOn: 'train' } as const;
  await (await itemKnn.fit(data)).save(join(folder, 'knn'));
  mkdirSync(join(folder, 'walk'));
  await (await rp3beta.fit(data)).save(join(folder, 'walk'));
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'config.json'), '{ "rqvae": {} }');
  await writeTigerRun(join(folder, 'run'));
  await writeTigerRun(join(folder, 'reassigned'));
  appendFileSync(join(folder, 'reassigned/assign-semantic-ids/semantic-ids.parquet'), ' ');
  mkdirSync(join(folder, 'half/train-tiger'), { recursive: true });
  writeFileSync(join(folder, 'half/train-tiger/config.json'), '{ "tiger": {} }');
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]) {
  const all = [program, 'recommend', '--backend', 'cpu', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('codebeam recommend', () => {
  it('lists items for a history by their ids, as JSON or as lines', () => {
    const { stdout } = run('--checkpoint', 'knn', '--history', 'tea', '--k', '2', '--json');
    // Cosines with tea of cup 2 / sqrt(2 * 3) and of pot 1 / sqrt(2 * 1).
    expect(JSON.parse(stdout)).toEqual({
      model: 'item-knn',
      recommendations: [
        { item: 'cup', score: expect.closeTo(0.816497, 6) },
        { item: 'pot', score: expect.closeTo(1 / Math.SQRT2, 6) },
      ],
    });
    expect(run('--checkpoint', 'knn', '--history', 'tea,cup', '--k', '1').stdout).toMatch(/^pot\t1\.\d+\n$/);
    expect(run('--checkpoint', 'knn', '--history', 'tea', '--k', '1', '--keep-history').stdout).toMatch(/^tea\t1\n$/);
  });

  it('lists items for a user of the training data', () => {
    expect(run('--checkpoint', 'knn', '--user', 'b', '--k', '1').stdout).toMatch(/^pot\t/);
    const listed = (...args: string[]) =>
      run('--checkpoint', 'knn', '--user', 'b', '--k', '9', ...args).stdout.split('\n');
    expect(listed('--keep-history').length).toBeGreaterThan(listed().length);
  });

  it("generates TIGER's lists from a run of the pipeline, or from its stage train-tiger", async () => {
    const tiger = createTigerRecommender(
      createTigerModel(config, ids, initTiger(config, createVocabulary(ids, config), 7)),
      { beamWidth: 2 },
    );
    const { items, scores } = await tiger.recommend([Int32Array.of(1, 3)], 2, { maskHistory: true, users: ['ann'] });
    const expected = Array.from(items, (item, i) => ({ item: itemIds[item], score: expect.closeTo(scores[i], 4) }));
    for (const checkpoint of ['run', 'run/train-tiger']) {
      const args = ['--history', 'cup,jam', '--user', 'ann', '--k', '2', '--beam-width', '2', '--json'];
      const { stdout, stderr } = run('--checkpoint', checkpoint, ...args);
      expect(JSON.parse(stdout || stderr)).toEqual({ model: 'tiger', recommendations: expected });
    }
  });

  it.each([
    ['an unknown item', ['--checkpoint', 'knn', '--history', 'tea,tee'], 'must hold items of the checkpoint, got tee'],
    ['an unknown user', ['--checkpoint', 'knn', '--user', 'z'], 'users must be of the training data, got z'],
    ['an unknown user of a model with a digit', ['--checkpoint', 'walk', '--user', 'z'], 'rp3beta: users must be of'],
    ['nobody', ['--checkpoint', 'knn'], 'one of --history and --user must be given'],
    ['no checkpoint', ['--checkpoint', 'nowhere', '--history', 'tea'], 'nowhere must hold a saved model'],
    [
      'another checkpoint',
      ['--checkpoint', 'other', '--history', 'tea'],
      'must hold a saved model, got config.json with',
    ],
    [
      'a run without semantic IDs',
      ['--checkpoint', 'half', '--history', 'tea'],
      'must hold train-tiger/model.safetensors',
    ],
    [
      'IDs assigned anew',
      ['--checkpoint', 'reassigned', '--history', 'tea'],
      'must be the semantic IDs that the model',
    ],
    ['a user of TIGER alone', ['--checkpoint', 'run', '--user', 'ann'], 'TIGER keeps no histories'],
    [
      'a beam for another model',
      ['--checkpoint', 'knn', '--history', 'tea', '--beam-width', '5'],
      'got 5 for item-knn',
    ],
    ['a bad k', ['--checkpoint', 'knn', '--history', 'tea', '--k', '0'], 'It must be a positive integer'],
  ])('ends with exit code 2 and one message for %s', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect([status, stdout]).toEqual([2, '']);
  });
});
