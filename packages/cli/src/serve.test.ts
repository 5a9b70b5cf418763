import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packSequences } from '@codebeam/data';
import { markov } from '@codebeam/recommenders';
import { treatmentOf } from '@codebeam/simulation';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasRedis, startRedis } from '../../serving/fixtures/start-redis.js';
import { writeTigerRun } from '../../serving/fixtures/tiger-run.js';

// Each test starts processes, which may have to wait for a core.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

// Through the program as npm links it, on what is built.
const program = resolve(import.meta.dirname, '../bin/codebeam.mjs');
let folder: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
  await writeTigerRun(join(folder, 'run'));
  await saveMarkov('markov');
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Tracks by number, each of which is followed by the next. */
async function saveMarkov(name: string, firstTrack = 0): Promise<void> {
  mkdirSync(join(folder, name), { recursive: true });
  const tracks = Array.from({ length: 200 }, (_, track) => track);
  const fitted = await markov.fit({
    sequences: packSequences([Int32Array.from(tracks)]),
    numItems: 200,
    itemIds: tracks.map((track) => String(firstTrack + track)),
    userIds: ['u'],
    fittedOn: 'train',
  });
  await fitted.save(join(folder, name));
}

/** Starts the program; its first line says where it listens. */
async function serve(...args: string[]): Promise<{ child: ChildProcess; url: string; output: () => string }> {
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', ...args], {
    cwd: folder,
    env: { ...process.env, CODEBEAM_BACKEND: 'cpu', CODEBEAM_API_KEY: '' },
  });
  started.push(child);
  let output = '';
  let errors = '';
  child.stderr!.on('data', (data) => {
    errors += data;
  });
  await new Promise<void>((ready, reject) => {
    child.stdout!.on('data', (data) => {
      output += data;
      if (output.includes('\n')) ready();
    });
    child.on('exit', (code) => reject(new Error(`exit code ${code}: ${errors}`)));
  });
  return { child, url: /^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(output)![1], output: () => output + errors };
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

/** What any of the routes answers. */
interface Answer {
  user: number;
  version: number;
  recommendations: { item: string; title?: string; score: number; codes: number[]; prefixScores: number[] }[];
}

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

const eventsIn = (log: string) =>
  readFileSync(join(log, 'data.json'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('codebeam serve', () => {
  it('serves a TIGER with titles and codes, beside another model', async () => {
    const { url } = await serve('--checkpoint', 'run', '--checkpoint', 'next=markov', '--state', 'memory');
    const { models } = (await (await fetch(`${url}/models`)).json()) as { models: { name: string; kind: string }[] };
    expect(models.map(({ name, kind }) => [name, kind])).toEqual([
      ['run', 'tiger'],
      ['next', 'markov'],
    ]);
    const { body } = await post(`${url}/recommend`, { history: ['cup', 'jam'], k: 4 });
    expect(body.recommendations).toHaveLength(4);
    const tea = body.recommendations.find(({ item }) => item === 'tea');
    expect(tea ?? { title: 'Green tea' }).toMatchObject({ title: 'Green tea' });
    for (const { codes, prefixScores, score } of body.recommendations) {
      expect([codes.length, prefixScores.at(-1)]).toEqual([3, score]);
    }
    const only = await post(`${url}/recommend`, { history: ['cup'], category: 'Food > Drinks' });
    expect(only.body.recommendations.map(({ title }) => title)).toEqual(['Green tea']);
    expect(
      (await post(`${url}/recommend`, { history: ['7'], k: 1, model: 'next' })).body.recommendations,
    ).toMatchObject([{ item: '8' }]);
    expect((await post(`${url}/recommend`, { user: 'u', model: 'next', k: 1 })).status).toBe(200);
    expect((await post(`${url}/next/3`, { track: 0, time: 1 })).status).toBe(200);
  });

  it('answers what it has begun, writes its log and ends at SIGTERM', async () => {
    const log = join(folder, 'graceful');
    const { child, url } = await serve('--checkpoint', 'markov', '--log', log, '--state', 'lmdb:graceful.mdb');
    const asked = Array.from({ length: 50 }, (_, user) => post(`${url}/next/${user}`, { track: user, time: 1 }));
    await asked[0];
    child.kill('SIGTERM');
    const answers = await Promise.allSettled(asked);
    expect(await ended(child)).toBe(0);
    const acknowledged = answers.flatMap((answer) =>
      answer.status === 'fulfilled' && answer.value.status === 200 ? [answer.value.body.user] : [],
    );
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(eventsIn(log).map(({ user }) => user)).toEqual(expect.arrayContaining(acknowledged));
  });

  it('loses no acknowledged event and no turn to SIGKILL under load, and is back with them', async () => {
    const log = join(folder, 'killed');
    const options = ['--checkpoint', 'markov', '--log', log, '--state', 'lmdb:killed.mdb'];
    const { child, url } = await serve(...options);
    const acknowledged: string[] = [];
    let isOver = false;
    const callers = Array.from({ length: 16 }, async (_, user) => {
      for (let track = 0; !isOver; track = (track + 1) % 200) {
        const answer = await post(`${url}/next/${user}`, { track, time: 1 }).catch(() => undefined);
        if (answer?.status === 200) acknowledged.push(`${user} ${track}`);
        else if (!answer) return;
      }
    });
    while (acknowledged.length < 200) await sleep(5);
    child.kill('SIGKILL');
    await ended(child);
    isOver = true;
    await Promise.all(callers);
    appendFileSync(join(log, 'data.json'), '{"message":"next","times'); // as a crash of the machine may leave it

    const again = await serve(...options);
    const counts = new Map<string, number>();
    for (const { user, track } of eventsIn(log)) {
      counts.set(`${user} ${track}`, (counts.get(`${user} ${track}`) ?? 0) + 1);
    }
    for (const event of acknowledged) counts.set(event, (counts.get(event) ?? 0) - 1);
    expect([...counts].filter(([, left]) => left < 0)).toEqual([]);
    // The session goes on where it was: its tracks so far are not played again.
    const mine = acknowledged.filter((event) => event.startsWith('3 '));
    const last = Number(mine.at(-1)!.split(' ')[1]);
    expect(
      (await post(`${again.url}/recommend`, { user: 3, k: 200, keepHistory: false })).body.recommendations.map(
        ({ item }) => item,
      ),
    ).not.toContain(String(last));
  });

  it.skipIf(!hasRedis)('in two replicas behind Redis keeps one state of each user', async () => {
    const redis = await startRedis();
    try {
      const logs = ['a', 'b'].map((name) => join(folder, `replica-${name}`));
      const replicas = await Promise.all(
        logs.map((log) => serve('--checkpoint', 'markov', '--state', redis.url, '--log', log)),
      );
      const turns = Array.from({ length: 120 }, (_, turn) => turn);
      // Every user's turns go to both at once.
      const answers = await Promise.all(
        turns.map((turn) => post(`${replicas[turn % 2].url}/next/${turn % 5}`, { track: turn, time: 1 })),
      );
      expect(answers.map(({ status }) => status)).toEqual(turns.map(() => 200));
      for (const user of [0, 1, 2, 3, 4]) {
        const lists = await Promise.all(replicas.map(({ url }) => post(`${url}/recommend`, { user, k: 200 })));
        const listed = lists.map(({ body }) => body.recommendations.map(({ item }) => Number(item)));
        expect(listed[0]).toEqual(listed[1]);
        // All that the user heard is in the history, and so masked.
        const heard = turns.filter((turn) => turn % 5 === user);
        expect(listed[0].length).toBe(200 - heard.length);
        expect(listed[0].filter((item: number) => heard.includes(item))).toEqual([]);
      }
      expect(logs.flatMap(eventsIn)).toHaveLength(turns.length);
    } finally {
      redis.stop();
    }
  });

  it('loads a checkpoint that takes the place of the one it serves, and drops no request meanwhile', async () => {
    const run = join(folder, 'replaced');
    await writeTigerRun(run, 1);
    const { url } = await serve('--checkpoint', `m=${run}`, '--state', 'memory', '--watch', '1', '--api-key', 'sesame');
    const key = { 'x-api-key': 'sesame' };
    const ask = () => post(`${url}/recommend`, { history: ['tea'], k: 3 }, key);
    const before = await ask();
    let isOver = false;
    const statuses: number[] = [];
    const callers = Array.from({ length: 4 }, async () => {
      while (!isOver) statuses.push((await ask()).status);
    });
    await writeTigerRun(run, 2);
    for (let second = 0; second < 60 && (await ask()).body.version === 1; second++) await sleep(500);
    isOver = true;
    await Promise.all(callers);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const after = await ask();
    expect([before.body.version, after.body.version]).toEqual([1, 2]);
    expect(after.body.recommendations).not.toEqual(before.body.recommendations);
    expect((await post(`${url}/admin/rollback`, {}, key)).body).toMatchObject({ version: 1 });
    expect((await ask()).body).toEqual(before.body);
  });

  it('starts a model again whose process has ended, unless its files are of other items by then', async () => {
    await saveMarkov('restarted');
    const { child, url, output } = await serve('--checkpoint', 'restarted', '--state', 'memory');
    const ask = () => post(`${url}/recommend`, { history: ['7'], k: 1 });
    const killModel = () => {
      const { stdout } = spawnSync('pgrep', ['-P', String(child.pid), '-f', 'model-process'], { encoding: 'utf8' });
      expect(stdout).toMatch(/^\d+\n$/);
      process.kill(Number(stdout), 'SIGKILL');
    };
    const before = await ask();
    expect(before.status).toBe(200);
    killModel();
    expect(await ask()).toEqual(before);
    const said = (text: string) => vi.waitFor(() => expect(output()).toContain(text), 10_000);
    await said('restarted was started again');
    await saveMarkov('restarted', 5);
    killModel();
    expect((await ask()).status).toBe(500);
    await said('must have the items that it was loaded with');
  });

  it('reads a config, with paths from its folder', async () => {
    mkdirSync(join(folder, 'configured'));
    const config = writeConfig(
      'configured/serve.yaml',
      'port: 9\nmodels:\n  first: { checkpoint: ../run, beamWidth: 3 }\n  second: { checkpoint: markov }\nwatchSeconds: 1\nstate: { store: lmdb, path: users.mdb }\nlog: { folder: log }\n',
    );
    await saveMarkov('configured/markov');
    const { url, output } = await serve('--config', config);
    const models = async () => ((await (await fetch(`${url}/models`)).json()) as { models: object[] }).models;
    expect(await models()).toMatchObject([{ name: 'first', beamWidth: 3 }, { name: 'second' }]);
    expect(readFileSync(join(folder, 'configured/log/data.json'), 'utf8')).toBe('');
    await saveMarkov('configured/markov', 5);
    while (!output().includes('second ')) await sleep(50);
    expect(await models()).toMatchObject([{ version: 1 }, { version: 2 }]);
  });

  it('plays what the policies of its config say, by experiment, and says what came of it', async () => {
    mkdirSync(join(folder, 'experiment'));
    const tracks = (user: number) => Array.from({ length: 100 }, (_, place) => (user + 7 * place) % 200);
    const lists = Array.from({ length: 60 }, (_, user) => `${JSON.stringify({ user, tracks: tracks(user) })}\n`);
    writeConfig('experiment/lists.jsonl', lists.join(''));
    const config = writeConfig(
      'experiment/serve.yaml',
      `models: { markov: { checkpoint: ../markov } }
state: { store: memory }
log: { folder: log }
catalogue: { type: synthetic, tracks: 200, genres: 5 }
policies:
  next: { type: model, model: markov }
  again: { type: repeat }
  in-order: { type: indexed-in-order, lists: lists.jsonl, fallback: next }
policy: again
experiments:
  - { name: LISTS, treatments: [in-order, next], metrics: [mean_time_per_session] }
`,
    );
    const { url } = await serve('--config', config);
    interface Running {
      metrics: { metric: string; treatments: { users: number; mean: number; effect?: object }[] }[];
    }
    const experiments = async () =>
      ((await (await fetch(`${url}/experiments`)).json()) as { experiments: Running[] }).experiments;
    expect(await experiments()).toEqual([
      {
        name: 'LISTS',
        treatments: [
          { treatment: 'C', policy: 'in-order' },
          { treatment: 'T1', policy: 'next' },
        ],
        metrics: [], // nobody has played anything
      },
    ]);
    expect(await (await fetch(`${url}/track/3`)).json()).toMatchObject({ track: 3, title: 'Track 3' });
    expect((await post(`${url}/next/0`, { track: 200, time: 1 })).status).toBe(400);
    const isControl = (user: number) => treatmentOf({ name: 'LISTS', ways: 2 }, user) === 'C';
    const users = Array.from({ length: 60 }, (_, user) => user);
    for (const user of users) {
      const { body } = await post(`${url}/next/${user}`, { track: 150, time: 1 });
      expect(body).toEqual({ user, track: isControl(user) ? user : 151 });
      await post(`${url}/last/${user}`, { track: 3, time: isControl(user) ? 0.2 : 0.4 + 0.001 * user });
    }
    // Readings of the log are ten seconds apart, and more when they take long.
    const metrics = await vi.waitFor(
      async () => {
        const [{ metrics }] = await experiments();
        expect(metrics.map(({ metric }) => metric)).toEqual(['mean_time_per_session']);
        return metrics;
      },
      { timeout: 120_000, interval: 1000 },
    );
    const [control, treated] = metrics[0].treatments;
    expect(control.users + treated.users).toBe(60);
    expect(control.mean).toBeCloseTo(1.2, 12);
    expect(treated.effect).toMatchObject({ isSignificant: true });
  });

  it.each([
    ['nothing to serve', [], '--checkpoint or --config must be given'],
    ['no checkpoint', ['--checkpoint', 'nowhere', '--state', 'memory'], 'nowhere must hold a saved model'],
    ['two models of one name', ['--checkpoint', 'a=run', '--checkpoint', 'a=markov'], 'Two models are called a'],
    ['a port that is none', ['--checkpoint', 'run', '--port', '70000'], 'It must be a number from 0 to 65535'],
    ['an unknown store', ['--checkpoint', 'run', '--state', 'mysql'], 'It must be lmdb, lmdb:FILE, redis://'],
    [
      'an unknown key',
      ['--config', 'typo.yaml'],
      'key batching.maxBatsch (typo.yaml:2) must be a known one, got maxBatsch; the nearest is batching.maxBatch',
    ],
    [
      'an unknown policy',
      ['--config', 'policies.yaml'],
      'experiments.0.treatments.1 (policies.yaml:3) must be valid, got "c"; expected a policy: a, b',
    ],
    [
      'a policy without its catalogue',
      ['--config', 'bare.yaml'],
      'policies.a (bare.yaml:2) must be valid, got {"type":"random"}; expected a catalogue beside it',
    ],
    [
      'a policy of no model',
      ['--config', 'model.yaml'],
      'policies.b.model (model.yaml:2) must be valid, got "n"; expected a model: m',
    ],
    ['lists of another catalogue', ['--config', 'lists.yaml'], 'lists.jsonl:1 must be of tracks below 50, got 77'],
    [
      'no Redis',
      ['--checkpoint', 'markov', '--state', 'redis://127.0.0.1:1'],
      'Redis must answer at redis://127.0.0.1:1',
    ],
    [
      'a beam for another model',
      ['--checkpoint', 'markov', '--beam-width', '4', '--state', 'memory'],
      'must be left out but for TIGER',
    ],
    [
      "a beam for a config's models",
      ['--config', 'plain.yaml', '--beam-width', '4', '--state', 'memory'],
      'must be left out but for TIGER',
    ],
    ['an empty key', ['--checkpoint', 'markov', '--api-key', '', '--state', 'memory'], 'API key must not be empty'],
  ])('ends with exit code 2 and one message for %s', (_, args, message) => {
    writeConfig(
      'policies.yaml',
      'models: { m: { checkpoint: markov } }\npolicies: { a: { type: model, model: m }, b: { type: model, model: m } }\nexperiments: [{ name: E, treatments: [a, c] }]\n',
    );
    writeConfig('bare.yaml', 'models: { m: { checkpoint: markov } }\npolicies: { a: { type: random } }\n');
    writeConfig('model.yaml', 'models: { m: { checkpoint: markov } }\npolicies: { b: { type: model, model: n } }\n');
    writeConfig('lists.jsonl', '{"user":0,"tracks":[77]}\n');
    writeConfig(
      'lists.yaml',
      'models: { m: { checkpoint: markov } }\nstate: { store: memory }\ncatalogue: { type: synthetic, tracks: 50, genres: 3 }\npolicies: { a: { type: indexed, lists: lists.jsonl } }\npolicy: a\n',
    );
    writeConfig('plain.yaml', 'models: { m: { checkpoint: markov } }\n');
    writeConfig('typo.yaml', 'models: { m: { checkpoint: run } }\nbatching: { maxBatsch: 3 }\n');
    const all = [program, 'serve', ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect([status, stdout]).toEqual([2, '']);
  });
});

function writeConfig(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}
