import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
