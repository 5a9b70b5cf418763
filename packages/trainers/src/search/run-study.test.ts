import { appendFile, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readParquet } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import {
  asha,
  gridSampler,
  localLauncher,
  type Objective,
  parseSearchSpace,
  randomSampler,
  runStudy,
  type StudyOptions,
  type Tracker,
  tpeSampler,
} from './index.js';

const newFolder = () => mkdtemp(join(tmpdir(), 'study-'));

/** Ten epochs, in each of which the score comes nearer to 1 - (x - 0.3)^2. */
const climb: Objective = async ({ values }, report) => {
  for (let resource = 1; resource <= 10; resource++) {
    const score = ((1 - ((values.x as number) - 0.3) ** 2) * resource) / 10;
    await report({ resource, metrics: { score, other: resource } });
  }
};

const study = async (options: Partial<StudyOptions> = {}) => ({
  space: parseSearchSpace({ x: ['uniform', 0, 1], kind: ['a', 'b'] }),
  sampler: randomSampler(),
  launcher: localLauncher(climb),
  metric: 'score',
  mode: 'max' as const,
  trials: 6,
  seed: 1,
  folder: await newFolder(),
  log: () => {},
  ...options,
});
const journalOf = async ({ folder }: { folder: string }) =>
  (await readFile(join(folder, 'journal.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('runStudy', () => {
  it('finds the trial whose best report is best', async () => {
    const { trials, best } = await runStudy(await study());
    expect(trials.map(({ number, status }) => `${number} ${status}`)).toEqual(
      [0, 1, 2, 3, 4, 5].map((number) => `${number} complete`),
    );
    expect(best!.score).toBe(Math.max(...trials.map(({ score }) => score)));
    expect(best!.resource).toBe(10);
  });

  it('minimises when told so', async () => {
    const { trials, best } = await runStudy(await study({ mode: 'min' }));
    expect(best!.score).toBe(Math.min(...trials.map(({ score }) => score)));
    expect(best!.resource).toBe(1);
  });

  it('walks through a grid once: 162 trials of 3 x 3 x 2 x 3 x 3', async () => {
    const three = [1, 2, 3];
    const space = parseSearchSpace({ a: three, b: three, c: [1, 2], d: three, e: three });
    const once: Objective = (_, report) => report({ resource: 1, metrics: { score: 1 } });
    const options = await study({ space, sampler: gridSampler(), launcher: localLauncher(once, { concurrency: 4 }) });
    const { trials } = await runStudy({ ...options, trials: 1000 });
    expect(trials).toHaveLength(162);
    expect(new Set(trials.map(({ values }) => JSON.stringify(values))).size).toBe(162);
  });

  it.each([1, 3])('gives the same trials for the same seed, %i at a time', async (concurrency) => {
    const uneven: Objective = async (trial, report) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      await climb(trial, report);
    };
    const run = async (seed: number) => {
      const launcher = localLauncher(uneven, { concurrency });
      const sampler = tpeSampler({ startupTrials: 3 });
      const { trials } = await runStudy(await study({ launcher, sampler, seed, trials: 12 }));
      return trials.map(({ values, score }) => ({ values, score }));
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(2)).not.toEqual(await run(1));
  });

  it('records failed trials with the worst score, and goes on', async () => {
    const fails: Objective = async (trial, report) => {
      if (trial.number === 1) throw new Error('out of memory');
      if (trial.number === 2) return; // without a report
      if (trial.number === 3) return report({ resource: 1, metrics: { score: Number.NaN } });
      if (trial.number === 4) return report({ resource: 1, metrics: { recall: 1 } });
      if (trial.number === 5) return report({ resource: 1, metrics: { score: 1, loss: Infinity } });
      await climb(trial, report);
    };
    const { trials, best } = await runStudy(await study({ launcher: localLauncher(fails), trials: 7 }));
    expect(trials.map(({ status }) => status)).toEqual(['complete', ...Array(5).fill('failed'), 'complete']);
    expect(trials[1]).toMatchObject({ score: -Infinity, error: 'out of memory' });
    expect(trials[2].error).toContain('trial 2 must report score, got no report');
    expect(trials[3].error).toContain('trial 3 must report a finite score, got NaN');
    expect(trials[4].error).toContain('got undefined among recall');
    expect(trials[5].error).toContain('trial 5 must report a finite loss, got Infinity');
    expect([0, 6]).toContain(best!.number);
  });

  it('has no best when every trial fails', async () => {
    const fails = localLauncher(() => Promise.reject(new Error('no')));
    expect((await runStudy(await study({ launcher: fails }))).best).toBeUndefined();
  });

  it('stops trials that ASHA finds worse, and takes their best report', async () => {
    const schedulers = [asha({ grace: 2, factor: 2, max: 100 })];
    const space = parseSearchSpace({ x: [0.3, 0.9] });
    const { trials } = await runStudy(await study({ space, sampler: gridSampler(), schedulers }));
    expect(trials.map(({ status, resource }) => [status, resource])).toEqual([
      ['complete', 10],
      ['stopped', 2],
    ]);
  });

  it('calls a trial complete that ASHA has given all that trials get', async () => {
    const { trials } = await runStudy(await study({ trials: 1, schedulers: [asha({ grace: 2, factor: 2, max: 4 })] }));
    expect(trials.map(({ status, resource }) => [status, resource])).toEqual([['complete', 4]]);
  });

  it('goes on from its journal: ended trials stay, running ones run again with their values', async () => {
    const options = await study();
    const whole = await runStudy({ ...options, folder: await newFolder() });
    await runStudy({ ...options, trials: 3 });
    const values = whole.trials[3].values;
    const lines = [
      { event: 'start', trial: 3, values, time: 1 },
      { event: 'report', trial: 3, resource: 1, metrics: { score: 0.5 } },
    ].map((line) => `${JSON.stringify(line)}\n`);
    await appendFile(join(options.folder, 'journal.jsonl'), `${lines.join('')}{"event":"rep`);

    const launched: number[] = [];
    const counted: Objective = (trial, report) => {
      launched.push(trial.number);
      return climb(trial, report);
    };
    const resumed = await runStudy({ ...options, launcher: localLauncher(counted) });
    expect(launched).toEqual([3, 4, 5]);
    const essence = ({ trials }: typeof whole) =>
      trials.map(({ number, values, reports }) => ({ number, values, reports }));
    expect(essence(resumed)).toEqual(essence(whole));
  });

  it('refuses the folder of another study, and a damaged journal', async () => {
    const options = await study();
    await runStudy(options);
    await expect(runStudy({ ...options, seed: 2 })).rejects.toThrow('go on with that, or choose another folder');
    const path = join(options.folder, 'journal.jsonl');
    await writeFile(path, `nonsense\n${await readFile(path, 'utf8')}`);
    await expect(runStudy(options)).rejects.toThrow('journal.jsonl:1 must be a line of a journal, got nonsense');
  });

  it('writes its history as Parquet, with what failed', async () => {
    const fails: Objective = (trial, report) =>
      trial.number === 1 ? Promise.reject(new Error('no')) : climb(trial, report);
    const options = await study({ launcher: localLauncher(fails), trials: 2 });
    const { trials } = await runStudy(options);
    const columns = await readParquet(join(options.folder, 'trials.parquet'));
    expect(columns).toMatchObject({
      trial: Int32Array.of(0, 1),
      status: ['complete', 'failed'],
      score: Float64Array.of(trials[0].score, -Infinity),
      resource: Float64Array.of(10, Number.NaN),
      'metrics.other': Float64Array.of(10, Number.NaN),
      'values.x': Float64Array.from(trials, ({ values }) => values.x as number),
      'values.kind': trials.map(({ values }) => values.kind),
      error: [null, 'no'],
    });
    expect(columns['reports.score']).toHaveLength(2);
  });

  it('draws a page that needs nothing else and escapes what it shows', async () => {
    const space = parseSearchSpace({ x: ['loguniform', 0.01, 1], kind: ['<script>', 'b'], layers: [[[1, 2]], [[3]]] });
    const options = await study({ space, name: '<b>my</b> study' });
    await runStudy(options);
    const page = await readFile(join(options.folder, 'study.html'), 'utf8');
    expect(page.match(/<svg /g)).toHaveLength(2 + 3);
    expect(page).not.toMatch(/<script|<b>|(src|href)=|https?:|NaN|undefined/);
  });

  it('tells trackers of each trial, and survives those that fail', async () => {
    const heard: string[] = [];
    const good: Tracker = {
      name: 'good',
      async begin(run) {
        return {
          report: async ({ resource }) => void (resource === 10 && heard.push(`${run} at 10`)),
          end: async (status) => void heard.push(`${run} ${status}`),
        };
      },
    };
    const bad: Tracker = { name: 'bad', begin: () => Promise.reject(new Error('no server')) };
    const warnings: string[] = [];
    const log = (line: string) => void (line.startsWith('bad') && warnings.push(line));
    await runStudy(await study({ trackers: [bad, good], trials: 2, name: 's', log }));
    expect(heard).toEqual(['s-0 at 10', 's-0 complete', 's-1 at 10', 's-1 complete']);
    expect(warnings).toEqual(['bad tracks s-0 no longer: no server', 'bad tracks s-1 no longer: no server']);
  });

  it('keeps the journal in the order of what happened, and logs it', async () => {
    const options = await study({ trials: 1 });
    await runStudy(options);
    const logged = await readFile(join(options.folder, 'logs', 'study-0', 'metrics.jsonl'), 'utf8');
    expect(logged.split('\n')).toHaveLength(1 + 10 + 1 + 1); // options, reports, status
    expect((await journalOf(options)).map(({ event }) => event)).toEqual([
      'study',
      'start',
      ...Array(10).fill('report'),
      'end',
    ]);
  });

  it('refuses to run without a limit unless the sampler has one', async () => {
    const { trials: _, ...options } = await study();
    await expect(runStudy(options)).rejects.toThrow('trials must be an integer of at least 1, got undefined');
  });

  it('refuses a launcher that runs nothing', async () => {
    const launcher = localLauncher(async () => {}, { concurrency: 0 });
    const options = await study({ launcher });
    await expect(runStudy(options)).rejects.toThrow('trainers: concurrency must be an integer of at least 1, got 0');
  });
});
