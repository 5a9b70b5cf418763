import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packSequences } from '@codebeam/data';
import { itemKnn } from '@codebeam/recommenders';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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
  const recommender = await itemKnn.fit({
    sequences,
    numItems: 4,
    itemIds,
    userIds: ['a', 'b', 'c'],
    fittedOn: 'train',
  });
  await recommender.save(join(folder, 'knn'));
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'config.json'), '{ "tiger": {} }');
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
  });

  it.each([
    ['an unknown item', ['--checkpoint', 'knn', '--history', 'tea,tee'], 'must hold items of the checkpoint, got tee'],
    ['an unknown user', ['--checkpoint', 'knn', '--user', 'z'], 'users must be of the training data, got z'],
    ['nobody', ['--checkpoint', 'knn'], 'one of --history and --user must be given'],
    ['no checkpoint', ['--checkpoint', 'nowhere', '--history', 'tea'], 'nowhere must hold a saved model'],
    ['another checkpoint', ['--checkpoint', 'other', '--history', 'tea'], 'must describe a saved model'],
    ['a bad k', ['--checkpoint', 'knn', '--history', 'tea', '--k', '0'], 'It must be a positive integer'],
  ])('ends with exit code 2 and one message for %s', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect([status, stdout]).toEqual([2, '']);
  });
});
