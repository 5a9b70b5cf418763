import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readParquet } from '@codebeam/data';
import { describe, expect, it, vi } from 'vitest';
import { asha, gridSampler, parseSearchSpace, processLauncher, runStudy, serveTrials } from './index.js';

vi.setConfig({ testTimeout: 180_000 }); // processes start slowly on a busy machine

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url);
const newFolder = () => mkdtemp(join(tmpdir(), 'study-'));

async function search(space: object, { concurrency = 1, schedulers = [asha({ grace: 2, factor: 2, max: 100 })] } = {}) {
  const launcher = processLauncher(fixture('trial-worker.mjs'), { concurrency, cores: 8, execArgv: [] });
  try {
    return await runStudy({
      space: parseSearchSpace(space),
      sampler: gridSampler(),
      launcher,
      schedulers,
      metric: 'score',
      mode: 'max',
      seed: 1,
      folder: await newFolder(),
      log: () => {},
    });
  } finally {
    await launcher.close();
  }
}

describe('processLauncher', () => {
  it('records trials that throw or die as failed, and goes on', async () => {
    const { trials, best } = await search({ x: 1, fate: ['throws', 'dies', 'measures nothing', 'lives'] });
    expect(trials.map(({ status, error }) => [status, error])).toEqual([
      ['failed', 'trainers: test objective throws'],
      ['failed', 'trainers: worker must outlive its trial, got SIGKILL; see its output'],
      ['failed', expect.stringContaining('must report a finite score, got NaN')],
      ['complete', undefined],
    ]);
    expect(best).toMatchObject({ number: 3, score: 1, resource: 10 });
    expect(best!.cpuSeconds).toBeGreaterThan(0);
  });

  it('keeps a worker for the next trial, stops those that are worse, and shares the cores', async () => {
    const { trials } = await search({ x: [0.5, 1, 0.1], fate: 'lives' });
    expect(trials.map(({ status }) => status)).toEqual(['complete', 'complete', 'stopped']);
    const processes = trials.map(({ reports }) => reports[0].metrics.process);
    expect(new Set(processes).size).toBe(1);
    expect(trials[0].reports[0].metrics.threads).toBe(8);
    const { trials: together } = await search({ x: [0.5, 1], fate: 'lives' }, { concurrency: 2, schedulers: [] });
    expect(new Set(together.map(({ reports }) => reports[0].metrics.process)).size).toBe(2);
    expect(together[0].reports[0].metrics.threads).toBe(4);
  });

  it('loses at most the running trials when the study is killed', async () => {
    const folder = await newFolder();
    const linesOf = async () => {
      const text = await readFile(join(folder, 'journal.jsonl'), 'utf8').catch(() => '');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { event: string; trial: number });
    };
    const numEnded = async () => (await linesOf()).filter(({ event }) => event === 'end').length;
    const start = () =>
      spawn(process.execPath, [fileURLToPath(fixture('run-study.mjs')), folder, '20'], { stdio: 'ignore' });

    const killed = start();
    const over = new Promise((resolve) => killed.on('exit', (_, signal) => resolve(signal)));
    while ((await numEnded()) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill('SIGKILL');
    expect(await over).toBe('SIGKILL');
    const before = await linesOf();
    const ended = before.flatMap(({ event, trial }) => (event === 'end' ? [trial] : []));
    expect(ended.length).toBeLessThan(6);

    expect(await new Promise((resolve) => start().on('exit', resolve))).toBe(0);
    const after = (await linesOf()).slice(before.length);
    const again = after.flatMap(({ event, trial }) => (event === 'start' ? [trial] : []));
    expect(again.filter((trial) => ended.includes(trial))).toEqual([]); // what had ended is not run again
    const repeated = before.filter(({ event, trial }) => event === 'start' && again.includes(trial));
    expect(repeated.length).toBeLessThanOrEqual(2); // the trials at a time
    const { trial, status } = await readParquet(join(folder, 'trials.parquet'), { trial: 'int32', status: 'string' });
    expect([...trial]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(status)).toEqual(new Set(['complete']));
  });
});

it('serveTrials refuses to run without a launcher', () => {
  const { send } = process;
  process.send = undefined;
  try {
    expect(() => serveTrials(async () => {})).toThrow('serveTrials must run in a worker, got no channel');
  } finally {
    process.send = send;
  }
});
