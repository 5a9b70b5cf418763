import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeParquet } from '@codebeam/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// These run what Nx runs: the built commands, as processes of their own. `npm test` builds before it tests.
const built = resolve(import.meta.dirname, '../../pipelines/dist');
const beauty = resolve(import.meta.dirname, '../../pipelines/configs/amazon-beauty.yaml');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const environment = { ...process.env, INIT_CWD: undefined, CODEBEAM_BACKEND: '' };

function run(stage: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(built, 'run-stage.js'), stage, ...args], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('a training stage that is killed', () => {
  const settings = [
    'fetch-data.synthetic.users=300',
    'fetch-data.synthetic.lines=4',
    'train-sasrec.maxEpochs=3',
    'train-sasrec.checkpointInterval=2',
    'train-rqvae.maxEpochs=60',
    'train-rqvae.checkpointInterval=5',
    'train-tiger.maxEpochs=1',
    'train-tiger.schedule.warmupSteps=2',
    'train-tiger.checkpointInterval=2',
    'train-tiger.validationUsers=20',
  ];
  const args = ['--config', beauty, '--sample', '--run', 'killed', ...settings.flatMap((one) => ['--set', one])];
  const expectSuccess = (stage: string) => expect(run(stage, ...args)).toMatchObject({ status: 0 });
  const bytesOf = (stage: string) =>
    Object.fromEntries(
      readdirSync(join(folder, 'checkpoints/killed', stage)).map((file) => [
        file,
        readFileSync(join(folder, 'checkpoints/killed', stage, file)).toString('base64'),
      ]),
    );

  beforeAll(() => {
    for (const stage of ['fetch-data', 'prepare-data']) expectSuccess(stage);
  });

  it.each([
    { stage: 'train-sasrec' },
    { stage: 'train-rqvae', before: 'embed-items' },
    { stage: 'train-tiger', before: 'assign-semantic-ids' },
  ])(
    '$stage ends with the same bytes when it is run again',
    async ({ stage, before }) => {
      if (before) expectSuccess(before);
      expectSuccess(stage);
      const undisturbed = bytesOf(stage);

      const work = join(folder, 'checkpoints/.work/killed', stage);
      rmSync(work, { recursive: true });
      rmSync(join(folder, 'checkpoints/killed', stage), { recursive: true });
      const victim = spawn(process.execPath, [join(built, 'run-stage.js'), stage, ...args], {
        cwd: folder,
        env: environment,
        stdio: 'ignore',
      });
      const ended = new Promise<NodeJS.Signals | null>((end) => victim.on('exit', (_, signal) => end(signal)));
      const hasCheckpoint = () => existsSync(join(work, 'state')) && readdirSync(join(work, 'state')).length > 1;
      while (!hasCheckpoint() && victim.exitCode === null) await sleep(5);
      victim.kill('SIGKILL');
      expect(await ended).toBe('SIGKILL');
      expect(existsSync(join(folder, 'checkpoints/killed', stage))).toBe(false);

      const again = run(stage, ...args);
      expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('work begun earlier goes on') });
      expect(again.stderr).toMatch(/continues after step [1-9]/);
      const files = bytesOf(stage);
      expect(Object.keys(files).filter((file) => files[file] !== undisturbed[file])).toEqual([]);
      expect(Object.keys(files)).toEqual(Object.keys(undisturbed));
    },
    60_000,
  );
});

describe('a fault of the caller', () => {
  it.each<[string, string, string[], RegExp]>([
    [
      'an unknown key',
      'train-tiger',
      ['--config', beauty, '--set', 'tiger.dropuot=0'],
      /^error: pipelines: key tiger\.dropuot \(--set .*nearest is tiger\.dropout\n$/,
    ],
    [
      'a stage that is none',
      'train-tigre',
      ['--config', beauty],
      /^error: pipelines: stage must be one of fetch-data, .*, got train-tigre\n$/,
    ],
    [
      'a config that is not there',
      'fetch-data',
      ['--config', 'no.yaml'],
      /^error: pipelines: no\.yaml must be a config.*\n$/,
    ],
    [
      'a run that is no name',
      'fetch-data',
      ['--config', beauty, '--run', '../elsewhere'],
      /^error: pipelines: --run must be a name .*\n$/,
    ],
  ])('%s is one line of error, and exit code 1', (_, stage, args, message) => {
    const { status, stderr } = run(stage, ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });
});

describe('compare', () => {
  const put = async (run: string, seed: number, ks: number[], models: Record<string, number[]>) => {
    const output = join(folder, 'checkpoints', run, 'evaluate');
    mkdirSync(output, { recursive: true });
    const metrics = Object.fromEntries(ks.map((k) => [`recall@${k}`, { mean: 0, low: 0, high: 0 }]));
    writeFileSync(join(output, 'metrics.json'), JSON.stringify({ seed, models: [{ name: 'tiger', metrics }] }));
    const rows = Object.entries(models).flatMap(([model, ranks]) => ranks.map((rank, user) => ({ model, rank, user })));
    await writeParquet(join(output, 'ranks.parquet'), {
      model: { type: 'string', values: rows.map(({ model }) => model) },
      ties: { type: 'string', values: rows.map(() => 'file') },
      historyMask: { type: 'string', values: rows.map(() => 'on') },
      user: { type: 'int32', values: Int32Array.from(rows, ({ user }) => user) },
      target: { type: 'int32', values: new Int32Array(rows.length) },
      rank: { type: 'int32', values: Int32Array.from(rows, ({ rank }) => rank) },
    });
  };
  const compare = (...args: string[]) =>
    spawnSync(process.execPath, [join(built, 'compare.js'), ...args], {
      cwd: folder,
      env: environment,
      encoding: 'utf8',
    });

  beforeAll(async () => {
    await put('one', 1, [1, 5], { sasrec: [1, 0, 3, 0], tiger: [1, 2, 3, 0], markov: [1, 1, 1, 1] });
    await put('two', 2, [1, 5], { sasrec: [1, 0, 0, 0], tiger: [1, 2, 0, 0] });
    await put('again', 2, [1, 5], { sasrec: [1, 0, 0, 0] });
  });

  it('shows means at cut-offs that the lists have, and what all runs have', () => {
    const { stdout, stderr } = compare('one', 'two');
    expect(stderr).toBe('');
    expect(stdout).toContain('left out, for 1 of 2 runs have it: markov, ties file, mask on\n');
    expect(stdout).toMatch(/^tiger, ties file, mask on +recall@1 \.2500 .* recall@5 \.6250 /m);
    expect(stdout).not.toMatch(/@10|^markov/m);
  });

  it('refuses a cut-off beyond the lists, and a seed twice', () => {
    expect(compare('one', 'two', '--metrics', 'recall@5,recall@10').stderr).toBe(
      'error: pipelines: cut-offs must be at most 5, the length of the lists of one, got recall@10; name others with --metrics\n',
    );
    expect(compare('one', 'two', 'again').stderr).toBe(
      'error: pipelines: runs to compare must differ in their seed, got 2 for two and again; leave one out\n',
    );
  });
});

describe('the whole pipeline without data', () => {
  it('fails at once where the config has no sample, and says what to do', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(built, 'run.js'), 'my-shop'], {
      cwd: resolve(built, '../..'),
      env: environment,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(
      /^error: pipelines: the raw files of my-shop must be in datasets\/my-shop\/raw, got none there/,
    );
    expect(status).toBe(1);
  });
});
