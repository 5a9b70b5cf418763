import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const command = join(import.meta.dirname, '..', 'bin', 'codebeam.mjs');
const config = `
catalogue: { type: synthetic, tracks: 600 }
users: { type: synthetic, count: 200 }
policies:
  anything: { type: random }
  sticky: { type: sticky-artist }
  listed: { type: indexed-in-order, lists: lists.json, fallback: sticky }
episodes: 300
`;
const experiment = `
experiment:
  name: LISTS
  treatments: [anything, listed]
  correction: holm
  plan: { mean: 2, deviation: 2, effect: 20 }
listens: { minTime: 0.5, minInteractions: 2 }
`;

describe('codebeam simulate sessions', () => {
  let folder: string;
  const run = (...more: string[]) =>
    spawnSync(process.execPath, [command, 'simulate', 'sessions', '--config', join(folder, 'config.yaml'), ...more], {
      encoding: 'utf8',
    });
  beforeAll(async () => {
    execFileSync('npx', ['tsc', '-b', join(import.meta.dirname, '..')]);
    folder = await mkdtemp(join(tmpdir(), 'sessions-'));
    await writeFile(join(folder, 'config.yaml'), config);
    const lists = Array.from({ length: 100 }, (_, user) => `${JSON.stringify({ user, tracks: [user, user + 1] })}\n`);
    await writeFile(join(folder, 'lists.json'), lists.join(''));
  }, 300_000);

  it('prints means of each policy, last and as one JSON object', () => {
    const { stdout, status } = run('--seed', '5', '--json');
    expect(status).toBe(0);
    const means = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    expect(Object.keys(means)).toEqual(['anything', 'sticky', 'listed']);
    for (const own of Object.values<Record<string, number>>(means)) {
      expect(own.sessions).toBe(300);
      expect(own.mean_tracks_per_session - own.mean_time_per_session).toBeCloseTo(own.mean_tracks_minus_time, 9);
      expect(Math.abs(own.mean_tracks_minus_time - 5)).toBeLessThan(0.6);
    }
    expect(means.anything.mean_time_per_session).toBeGreaterThan(1);
  });

  it('writes equal files for equal seeds, whatever runs side by side', async () => {
    await writeFile(join(folder, 'config.yaml'), config + experiment);
    const out = (name: string) => join(folder, name);
    const first = run('--seed', '5', '--json', '--out', out('a'));
    await writeFile(join(folder, 'config.yaml'), `${config + experiment}parallel: 3\n`);
    const second = run('--seed', '5', '--json', '--out', out('b'));
    const other = run('--seed', '6', '--json', '--out', out('c'));
    expect([first.stdout, first.status]).toEqual([second.stdout, 0]);
    expect(other.stdout).not.toBe(first.stdout);
    expect(first.stderr).toContain('advice: 586 users in each of 2 groups find an effect of 20 %'); // .2 deviations
    expect(first.stderr).toMatch(/advice: the 156 users to be expected, about 78 in a group, find one of \d+\.\d %/);
    expect(Object.keys(JSON.parse(first.stdout))).toEqual(['anything', 'listed']);
    expect((await readdir(out('a'))).sort()).toEqual([
      'events.jsonl',
      'events.parquet',
      'experiment.json',
      'listens.parquet',
      'sessions.html',
      'sessions.parquet',
    ]);
    for (const name of ['events.jsonl', 'events.parquet', 'experiment.json', 'listens.parquet', 'sessions.parquet']) {
      expect((await readFile(join(out('a'), name))).equals(await readFile(join(out('b'), name)))).toBe(true);
    }
    const page = await readFile(join(out('a'), 'sessions.html'), 'utf8');
    for (const text of ['Effects of LISTS', 'T1 listed', 'Tracks less time']) expect(page).toContain(text);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    const lines = (await readFile(join(out('a'), 'events.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(JSON.parse(lines[0])).toMatchObject({
      time: 1,
      latency: 0,
      experiments: { LISTS: expect.stringMatching(/^(C|T1)$/) },
    });
    expect(lines.filter((line) => JSON.parse(line).message === 'last')).toHaveLength(300);
  }, 300_000);

  it('prints tables without --json', () => {
    const { stdout } = run('--seed', '5');
    expect(stdout).toMatch(/policy +sessions +users +tracks +time/);
    expect(stdout).toContain('LISTS: C anything');
  });

  it('plays what a service answers, with the key that the environment has', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      request.resume();
      asked.push(`${request.url!.split('/')[1]} ${request.headers['x-api-key']}`);
      response.end('{"user":0,"track":7}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const text = `policies:\n  live: { type: remote, url: "http://127.0.0.1:${port}" }\nepisodes: 50\n`;
    await writeFile(join(folder, 'config.yaml'), text);
    const options = ['simulate', 'sessions', '--config', join(folder, 'config.yaml'), '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, [command, ...options], {
      env: { ...process.env, CODEBEAM_API_KEY: 'sesame' },
    });
    server.close();
    const { live } = JSON.parse(stdout);
    expect(live.sessions).toBe(50);
    expect(asked.filter((one) => one === 'last sesame')).toHaveLength(50);
    const answered = asked.filter((one) => one === 'next sesame').length;
    expect(answered).toBeCloseTo(50 * (live.mean_tracks_per_session - 1), 6);
  });

  it.each([
    ['policies:\n  a: { type: radnom }\n', 'must be valid, got "radnom"'],
    ['polices: {}\n', 'policies'],
    [
      'policies:\n  a: { type: indexed, lists: lists.json, fallback: b }\n',
      'must be valid, got "b"; expected a policy: a',
    ],
    ['policies:\n  a: { type: remote, url: "http://127.0.0.1:1" }\n', 'service at http://127.0.0.1:1 must answer'],
    ['policies:\n  a: { type: indexed }\n', 'policies.a must have lists or a checkpoint, got neither'],
    [
      'policies:\n  a: { type: indexed, lists: lists.json, fallback: b }\n  b: { type: indexed, lists: lists.json, fallback: a }\n',
      'fallbacks must end somewhere, got a > b > a',
    ],
    [
      'policies:\n  a: { type: random }\nexperiment: { name: AA, treatments: [a, a] }\n',
      'expected a policy that no other treatment has',
    ],
  ])('names what is wrong in %j', async (text, message) => {
    await writeFile(join(folder, 'config.yaml'), text);
    const { stderr, status } = run();
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
