import { connect } from 'node:net';
import type { Recommender } from '@codebeam/eval';
import { emptyRecommendations } from '@codebeam/eval';
import type { Policy, SessionEvent, Turn } from '@codebeam/simulation';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Service } from './create-app.js';
import { createService, type ServiceOptions } from './create-service.js';
import type { EventLog } from './event-log.js';
import { recommenderModel } from './model.js';
import { createMemoryStore } from './state/memory-store.js';

/** Lists what comes after the last item of the history, round the catalogue. */
const successor = (numItems: number): Recommender => ({
  name: 'successor',
  async recommend(histories, k, { maskHistory }) {
    const lists = emptyRecommendations(histories.length, k);
    for (const [row, history] of histories.entries()) {
      let place = 0;
      for (let step = 1; step <= numItems && place < k; step++) {
        const item = ((history.at(-1) ?? -1) + step) % numItems;
        if (maskHistory && history.includes(item)) continue;
        lists.items[row * k + place] = item;
        lists.scores[row * k + place++] = -step;
      }
    }
    return lists;
  },
});
const items = ['tea', 'cup', 'pot', 'jam'].map((id, i) => ({
  id,
  title: `The ${id}`,
  categories: [[i < 2 ? 'Table' : 'Larder']],
}));
const models = { successor: () => recommenderModel(successor(4), items) };

function memoryLog(): EventLog & { events: SessionEvent[] } {
  const events: SessionEvent[] = [];
  return { events, append: async (event) => void events.push(event), files: [], close: async () => {} };
}

/** A promise that is fulfilled when the test says so. */
function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const services: Service[] = [];
async function start(options: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = await createService({ models, onError: () => {}, ...options });
  services.push(service);
  return service;
}
afterAll(() => Promise.all(services.map((service) => service.close())));

async function post(service: Service, url: string, payload: unknown, headers: Record<string, string> = {}) {
  const response = await service.inject({ method: 'POST', url, payload: payload as object, headers });
  return { ...response.json(), status: response.statusCode };
}
async function get(service: Service, url: string, headers: Record<string, string> = {}) {
  const response = await service.inject({ method: 'GET', url, headers });
  return { ...response.json(), status: response.statusCode };
}

describe('POST /recommend', () => {
  let service: Service;
  beforeAll(async () => {
    service = await start();
  });
  const listed = async (payload: object) => {
    const { recommendations, error } = await post(service, '/recommend', payload);
    return error ?? recommendations.map(({ item }: { item: string }) => item);
  };

  it('lists items with titles and scores', async () => {
    expect(await post(service, '/recommend', { history: ['tea'], k: 2 })).toEqual({
      status: 200,
      model: 'successor',
      version: 1,
      recommendations: [
        { item: 'cup', title: 'The cup', score: -1 },
        { item: 'pot', title: 'The pot', score: -2 },
      ],
    });
  });

  it.each([
    ['k', { history: ['pot'], k: 1 }, ['jam']],
    ['the whole list by default', { history: ['pot'] }, ['jam', 'tea', 'cup']],
    ['the history again', { history: ['pot'], keepHistory: true }, ['jam', 'tea', 'cup', 'pot']],
    ['excluded items', { history: ['pot'], exclude: ['jam', 'nothing'] }, ['tea', 'cup']],
    ['the only ones', { history: ['pot'], only: ['cup', 'tea'] }, ['tea', 'cup']],
    ['a category', { history: ['pot'], category: 'table', k: 1 }, ['tea']],
    ['a category and the only ones', { history: ['pot'], category: 'Larder', only: ['jam', 'tea'] }, ['jam']],
    ['an empty history', { history: [] }, ['tea', 'cup', 'pot', 'jam']],
    ['unknown items passed over', { history: ['tea', 'saucer'], skipUnknown: true, k: 1 }, ['cup']],
  ])('keeps to %s', async (_, payload, expected) => {
    expect(await listed(payload)).toEqual(expected);
  });

  it.each([
    ['an unknown item', { history: ['tea', 'saucer'] }, 'history must hold items of the model, got saucer'],
    ['nobody', {}, 'one of history and user must be given'],
    ['an unknown user', { user: 'ann' }, 'history must be given, got user ann alone'],
    ['an unknown category', { history: [], category: 'Garden' }, 'category must be one of the items'],
    ['a beam', { history: [], beamWidth: 3 }, 'beamWidth must be left out but for TIGER'],
    ['an unknown key', { history: [], beams: 3 }, 'Unrecognized key: "beams"'],
    ['a k of 0', { history: [], k: 0 }, 'k must be valid'],
    ['another model', { history: [], model: 'm' }, 'model must be one of successor, got m'],
  ])('says what is wrong with %s', async (_, payload, message) => {
    expect(await listed(payload)).toContain(message);
  });

  it('goes by what the user has listened to here', async () => {
    await post(service, '/next/5', { track: 1, time: 1 });
    await post(service, '/last/5', { track: 2, time: 0.4 });
    expect(await listed({ user: 5 })).toEqual(['jam', 'tea']);
    expect(await listed({ user: '5', history: ['tea'], k: 1 })).toEqual(['cup']);
  });
});

describe('items and models', () => {
  it('are described', async () => {
    const service = await start();
    expect(await get(service, '/items/pot')).toEqual({
      status: 200,
      item: 'pot',
      title: 'The pot',
      categories: [['Larder']],
    });
    expect((await get(service, '/items?query=the%20j')).items).toEqual([{ item: 'jam', title: 'The jam' }]);
    expect((await get(service, '/models')).models).toMatchObject([
      { name: 'successor', kind: 'successor', numItems: 4, version: 1 },
    ]);
    expect(await get(service, '/items/saucer')).toMatchObject({ status: 404 });
    const { paths } = await get(service, '/openapi.json');
    const properties = paths['/recommend'].post.requestBody.content['application/json'].schema.properties;
    expect(properties.k).toMatchObject({ type: 'integer', default: 10, maximum: 200 });
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/next/{user}', '/items/{id}', '/metrics', '/admin/reload']),
    );
  });
});

describe('sessions', () => {
  /** Plays what it wrote down, one further each time. */
  const turns: Turn[] = [];
  const counting = (name: string): Policy => ({
    name,
    next: (all) =>
      all.map((turn) => {
        turns.push(turn);
        return { track: (turn.memory ?? 0) % 4, memory: (turn.memory ?? 0) + 1 };
      }),
  });

  it("answer as botify does, and log botify's rows", async () => {
    const log = memoryLog();
    const service = await start({ log, sessions: () => ({ policy: counting('counting') }) });
    expect(await get(service, '/')).toMatchObject({ status: 200, message: expect.any(String) });
    expect((await service.inject({ url: '/' })).json().status).toBe('alive');
    expect(await get(service, '/track/3')).toEqual({
      status: 200,
      track: 3,
      item: 'jam',
      title: 'The jam',
      categories: [['Larder']],
    });
    for (const track of ['4', '-1', 'x', '1e400']) expect((await get(service, `/track/${track}`)).status).toBe(404);
    expect(await post(service, '/next/12', { track: 2, time: 1 })).toEqual({ status: 200, user: 12, track: 0 });
    expect(await post(service, '/next/12', { track: 0, time: 0.25 })).toEqual({ status: 200, user: 12, track: 1 });
    expect(await post(service, '/last/12', { track: 1, time: 0 })).toEqual({ status: 200, user: 12 });
    expect(turns.map(({ session, track, time, memory, user }) => ({ session, track, time, memory, user }))).toEqual([
      { session: [2], track: 2, time: 1, memory: undefined, user: 12 },
      { session: [2, 0], track: 0, time: 0.25, memory: 1, user: 12 },
    ]);
    const row = { timestamp: expect.any(Number), latency: expect.any(Number), user: 12, experiments: {} };
    expect(log.events).toEqual([
      { ...row, message: 'next', track: 2, time: 1, recommendation: 0 },
      { ...row, message: 'next', track: 0, time: 0.25, recommendation: 1 },
      { ...row, message: 'last', track: 1, time: 0, recommendation: null },
    ]);
    expect(Math.abs(log.events[0].timestamp - Date.now())).toBeLessThan(60_000);
    await post(service, '/next/12', { track: 3, time: 1 });
    expect(turns.at(-1)).toMatchObject({ session: [3], memory: 2 });
  });

  it.each([
    ['no track', { time: 1 }],
    ['no time', { track: 1 }],
    ['an unknown track', { track: 4, time: 1 }],
    ['a time above 1', { track: 1, time: 1.5 }],
    ['half a track', { track: 1.5, time: 1 }],
  ])('refuse %s with 400', async (_, payload) => {
    const log = memoryLog();
    const service = await start({ log });
    for (const url of ['/next/1', '/last/1']) expect((await post(service, url, payload)).status).toBe(400);
    expect((await post(service, '/next/2147483648', { track: 1, time: 1 })).status).toBe(400);
    expect(log.events).toEqual([]);
  });

  it('play what the model lists where no policy is given, and no track twice before all were played', async () => {
    const service = await start();
    const played = [0];
    for (let turn = 0; turn < 4; turn++) {
      played.push((await post(service, '/next/1', { track: played.at(-1), time: 1 })).track);
    }
    expect(played).toEqual([0, 1, 2, 3, 0]);
  });

  it("go by the user's treatment, and log it", async () => {
    const log = memoryLog();
    const service = await start({
      log,
      sessions: () => ({
        policy: counting('usual'),
        experiments: [
          { name: 'AA', treatments: [undefined, undefined] },
          { name: 'ONE', treatments: [undefined, { name: 'three', next: (all) => all.map(() => ({ track: 3 })) }] },
        ],
      }),
    });
    expect((await post(service, '/next/0', { track: 0, time: 1 })).track).toBe(3);
    expect((await post(service, '/next/2', { track: 0, time: 1 })).track).toBe(0);
    expect(log.events.map(({ experiments }) => experiments)).toEqual([
      { AA: 'T1', ONE: 'T1' },
      { AA: 'C', ONE: 'C' },
    ]);
    expect((await get(service, '/experiments')).experiments[1]).toEqual({
      name: 'ONE',
      treatments: [{ treatment: 'C' }, { treatment: 'T1', policy: 'three' }],
      metrics: [],
    });
  });

  it('are there without effects where the log cannot be read, and it is not read anew for everybody who asks', async () => {
    const analyse = vi.fn().mockRejectedValue(new Error('cut'));
    const told: unknown[] = [];
    const service = await start({
      ...{ log: memoryLog(), analyse, onError: (error) => told.push(error) },
      sessions: () => ({ experiments: [{ name: 'AA', treatments: [undefined, undefined] }] }),
    });
    for (let asked = 0; asked < 3; asked++) {
      expect((await get(service, '/experiments')).experiments).toMatchObject([{ name: 'AA', metrics: [] }]);
    }
    expect(told).toEqual([new Error('cut')]);
    expect(analyse).toHaveBeenCalledOnce();
  });

  it('give a policy the same random numbers wherever the turn is taken', async () => {
    const store = createMemoryStore();
    const random: Policy = { name: 'random', next: (all) => all.map(({ random }) => ({ track: random.integer(4) })) };
    const play = async (options: Partial<ServiceOptions>, turns: number) => {
      const service = await start({ sessions: () => ({ policy: random }), ...options });
      const tracks: number[] = [];
      for (let turn = 0; turn < turns; turn++)
        tracks.push((await post(service, '/next/9', { track: 0, time: 1 })).track);
      return tracks;
    };
    const whole = await play({}, 12);
    expect([...(await play({ store }, 5)), ...(await play({ store }, 7))]).toEqual(whole);
    expect(new Set(whole).size).toBeGreaterThan(1);
    expect(await play({ seed: 1 }, 12)).not.toEqual(whole);
  });

  it('answer only when the event has been written', async () => {
    let written = () => {};
    const { promise: appended, resolve: append } = deferred();
    const log = {
      ...memoryLog(),
      append: () => {
        append();
        return new Promise<void>((resolve) => {
          written = resolve;
        });
      },
    };
    const service = await start({ log });
    let isAnswered = false;
    const answer = post(service, '/next/1', { track: 0, time: 1 }).then((reply) => {
      isAnswered = true;
      return reply;
    });
    await appended;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isAnswered).toBe(false);
    written();
    expect((await answer).status).toBe(200);
  });

  it('finish the turn of somebody who has hung up before the service closes', async () => {
    const events: SessionEvent[] = [];
    let isOpen = true;
    const log: EventLog = {
      files: [],
      async append(event) {
        expect(isOpen).toBe(true);
        events.push(event);
      },
      async close() {
        isOpen = false;
      },
    };
    const { promise: isOver, resolve: goOn } = deferred();
    const { promise: hasBegun, resolve: begin } = deferred();
    const slow: Policy = {
      name: 'slow',
      next(turns) {
        begin();
        return isOver.then(() => turns.map(() => ({ track: 1 })));
      },
    };
    const service = await createService({ models, sessions: () => ({ policy: slow }), log });
    const url = await service.listen({ port: 0 });
    const caller = new AbortController();
    const asked = fetch(`${url}/next/1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"track":0,"time":1}',
      signal: caller.signal,
    });
    await hasBegun;
    caller.abort();
    await expect(asked).rejects.toThrow();
    const closed = service.close();
    setTimeout(goOn, 100);
    await closed;
    expect([events.length, isOpen]).toEqual([1, false]);
  });

  it('say that they failed, and nothing more, when the log cannot be written', async () => {
    const log = { ...memoryLog(), append: () => Promise.reject(new Error('ENOSPC /var/log/secret')) };
    const told: unknown[] = [];
    const service = await start({ log, onError: (error) => told.push(error) });
    const response = await service.inject({ method: 'POST', url: '/next/1', payload: { track: 0, time: 1 } });
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret');
    expect(told).toHaveLength(1);
  });
});

describe('keys, limits and state of the service', () => {
  it('asks for the key everywhere but where anybody may look', async () => {
    const service = await start({ apiKey: 'sesame' });
    for (const url of ['/models', '/items/tea', '/metrics', '/experiments', '/track/1']) {
      expect((await get(service, url)).status).toBe(401);
      expect((await service.inject({ url, headers: { 'x-api-key': 'sesame' } })).statusCode).toBe(200);
      expect((await service.inject({ url, headers: { authorization: 'Bearer sesame' } })).statusCode).toBe(200);
      expect((await service.inject({ url, headers: { 'x-api-key': 'sesam' } })).statusCode).toBe(401);
    }
    expect((await post(service, '/recommend', { history: [] })).status).toBe(401);
    for (const url of ['/health', '/ready', '/', '/openapi.json', '/page.js']) {
      expect((await service.inject({ url })).statusCode).toBe(200);
    }
  });

  it('reloads and rolls back for those who have the key, and for nobody where there is none', async () => {
    const key = { 'x-api-key': 'sesame' };
    let count = 0;
    const service = await start({
      apiKey: 'sesame',
      models: {
        m: (checkpoint) => {
          if (checkpoint) throw new Error(`serving: ${checkpoint} must hold a model\n    at secret`);
          return recommenderModel(successor(4), [...items.slice(0, 3), { id: `jam${++count}` }]);
        },
      },
    });
    const last = async () =>
      (await post(service, '/recommend', { history: ['pot'], k: 1 }, key)).recommendations[0].item;
    expect(await post(service, '/admin/rollback', {}, key)).toMatchObject({ status: 409 });
    expect(await post(service, '/admin/reload', {}, key)).toMatchObject({ status: 200, version: 2 });
    expect(await last()).toBe('jam2');
    const failed = await post(service, '/admin/reload', { checkpoint: '/etc' }, key);
    expect(failed.status).toBe(422);
    expect(failed.error).not.toContain('secret');
    expect(await last()).toBe('jam2');
    expect(await post(service, '/admin/rollback', {}, key)).toMatchObject({ status: 200, version: 1 });
    expect(await last()).toBe('jam1');
    const metrics = (await service.inject({ url: '/metrics', headers: key })).body;
    expect(metrics).toContain('codebeam_reloads_total{model="m",result="loaded"} 1');
    expect(metrics).toContain('codebeam_reloads_total{model="m",result="failed"} 1');
    expect((await post(await start(), '/admin/reload', {})).status).toBe(403);
  });

  it('limits the requests of an address, and lets health through', async () => {
    const service = await start({ rateLimit: { requests: 3, seconds: 60 } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await get(service, '/models')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await get(service, '/models')).error).toContain('requests must be at most 3 in 60 s');
    expect((await get(service, '/health')).status).toBe(200);
  });

  it('is not ready when states cannot be reached', async () => {
    const store = { ...createMemoryStore(), check: () => Promise.reject(new Error('gone')) };
    expect(await get(await start({ store }), '/ready')).toMatchObject({
      status: 503,
      reason: "users' states cannot be reached",
    });
    expect((await get(await start(), '/ready')).status).toBe(200);
  });

  it('turns requests away when too many wait', async () => {
    const { promise: isOver, resolve: goOn } = deferred();
    const fast = successor(4);
    const slow: Recommender = { ...fast, recommend: (...asked) => isOver.then(() => fast.recommend(...asked)) };
    const service = await start({
      models: { slow: () => recommenderModel(slow, items) },
      batching: { maxBatch: 1, maxQueue: 2 },
    });
    const asked = Array.from({ length: 5 }, () => post(service, '/recommend', { history: [] }));
    const first = await Promise.race(asked);
    expect(first).toMatchObject({ status: 503, error: expect.stringContaining('are waiting') });
    goOn();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });

  it('shows the page to those who ask for HTML, with a policy that lets nothing else in', async () => {
    const service = await start();
    const page = await service.inject({ url: '/', headers: { accept: 'text/html,*/*' } });
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).toContain('<title>Codebeam</title>');
  });

  it('counts wrong keys among the requests of an address, and takes no empty key', async () => {
    const service = await start({ apiKey: 'sesame', rateLimit: { requests: 2, seconds: 60 } });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await get(service, '/models', { 'x-api-key': `guess ${i}` })).status);
    expect(statuses).toEqual([401, 401, 429]);
    await expect(createService({ models, apiKey: '' })).rejects.toThrow('serving: the API key must not be empty');
  });

  it('forgets what users played where a reload has numbered the items anew', async () => {
    let ids = ['tea', 'cup', 'pot', 'jam'];
    const service = await start({
      apiKey: 'sesame',
      models: {
        first: () => recommenderModel(successor(4), ids),
        second: () => recommenderModel(successor(4), ['jam', 'tea', 'cup', 'pot']),
      },
    });
    const key = { 'x-api-key': 'sesame' };
    expect((await post(service, '/next/7', { track: 1, time: 1 }, key)).track).toBe(2); // cup, then pot
    const listed = async (model: string) =>
      (await post(service, '/recommend', { user: 7, k: 1, model }, key)).recommendations[0].item;
    expect([await listed('first'), await listed('second')]).toEqual(['pot', 'pot']);
    ids = ['new', 'tea', 'cup', 'pot'];
    expect((await post(service, '/admin/reload', { model: 'first' }, key)).status).toBe(200);
    expect((await post(service, '/recommend', { user: 7, k: 1 }, key)).error).toMatch(/user/);
    expect((await post(service, '/next/7', { track: 1, time: 1 }, key)).track).toBe(2); // tea, then cup
    expect(await listed('first')).toBe('cup');
  });

  it('needs a model, and a treatment beside the control', async () => {
    await expect(createService({ models: {} })).rejects.toThrow('serving: models must be at least one');
    await expect(
      createService({ models, sessions: () => ({ experiments: [{ name: 'A', treatments: [undefined] }] }) }),
    ).rejects.toThrow('ways of experiment A must be an integer from 2 to 100, got 1');
  });

  it('ends when the last answer is given, whoever keeps the connection', async () => {
    const { promise: isOver, resolve: goOn } = deferred();
    const { promise: begun, resolve: begin } = deferred();
    const fast = successor(4);
    const slow: Recommender = {
      ...fast,
      async recommend(...asked) {
        begin();
        await isOver;
        return fast.recommend(...asked);
      },
    };
    const service = await start({ models: { slow: () => recommenderModel(slow, items) } });
    const url = await service.listen({ port: 0 });
    const headers = { 'content-type': 'application/json' };
    expect((await post(service, '/recommend', { history: [], model: 'none' })).status).toBe(404);
    const answer = fetch(`${url}/recommend`, { method: 'POST', headers, body: '{"history":[]}' });
    await begun;
    const closed = service.close();
    setTimeout(goOn, 200);
    expect(await (await answer).json()).toMatchObject({ model: 'slow' });
    const answered = performance.now();
    await closed;
    expect(performance.now() - answered).toBeLessThan(3000);
  });

  it('closes the models when it cannot be made', async () => {
    const close = vi.fn();
    const model = () => ({ ...models.successor(), close });
    const fault = () => {
      throw new Error('no lists');
    };
    await expect(createService({ models: { model }, sessions: fault })).rejects.toThrow('no lists');
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('malformed requests', () => {
  let service: Service;
  let told: unknown[];
  let port: number;
  beforeAll(async () => {
    told = [];
    service = await start({ log: memoryLog(), onError: (error) => told.push(error), limits: { bodyBytes: 50_000 } });
    await service.listen({ port: 0 });
    ({ port } = service.server.address() as { port: number });
  });

  /** No fault of ours, no word of what is inside. */
  function check({ statusCode, body }: { statusCode: number; body: string }): void {
    expect(statusCode).toBeGreaterThanOrEqual(200);
    expect(statusCode).toBeLessThan(500);
    expect(body).not.toMatch(/\n\s+at |node_modules|\.ts:|\.js:\d/);
    if (statusCode >= 400) expect(Object.keys(JSON.parse(body))).toEqual(['error']);
    expect(told).toEqual([]);
  }

  const deep = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
  const wrong: unknown[] = [
    ...[
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      1e21,
      '',
      'tea',
      [],
      {},
      [[]],
      [null],
      [{}],
      { length: 5 },
      '\u0000',
      '💥',
      'x'.repeat(5000),
    ],
    ...['__proto__', 'constructor', 'toString', '../../etc/passwd', '%00', "'; DROP TABLE users", '<script>'],
  ];
  const bodies: [string, string | Buffer][] = [
    ...[
      'history',
      'user',
      'k',
      'beamWidth',
      'keepHistory',
      'exclude',
      'only',
      'category',
      'model',
      'skipUnknown',
      'other',
    ].flatMap((key) =>
      wrong.map((value): [string, string] => ['/recommend', JSON.stringify({ history: ['tea'], [key]: value })]),
    ),
    ...['track', 'time'].flatMap((key) =>
      wrong.map((value): [string, string] => ['/next/1', JSON.stringify({ track: 1, time: 1, [key]: value })]),
    ),
    ...[
      '',
      ' ',
      '{',
      '}',
      'null',
      'NaN',
      '{"k":NaN}',
      '{"k":Infinity}',
      '{"k":1e999}',
      '{"k":-0}',
      '{"history":["tea"],}',
      'undefined',
      '"tea"',
      '[]',
      '\ufeff{}',
      '{"__proto__":{"k":1}}',
      '{"history":["tea"],"constructor":{"prototype":{"k":1}}}',
      '{"history":["tea"],"k":1,"k":-1}',
      deep(100_000, '[', ']').slice(0, 40_000),
      deep(17, '[', ']'),
      `{"history":${deep(20_000, '[', ']')}}`,
      deep(5000, '{"a":', '}'),
      '[['.repeat(10_000),
      '{"history":["\\ud800"]}',
      '{"history":["\\u0000"]}',
      `{"history":["${'x'.repeat(60_000)}"]}`,
      JSON.stringify({ history: Array(1001).fill('tea') }),
      JSON.stringify({ history: ['tea'], exclude: Array(20_000).fill(1) }),
    ].map((body): [string, string] => ['/recommend', body]),
    ['/recommend', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['/recommend', Buffer.from([0xc0, 0x80])],
    ['/recommend', Buffer.alloc(60_000)],
    ['/next/1', Buffer.from([0xed, 0xa0, 0x80])],
  ];
  const paths = [
    '/items/..%2f..%2fetc',
    '/items/%2e%2e',
    '/items/..',
    '/items/',
    '/items//',
    '/items/%00',
    '/items/%ff',
    '/items/%',
    '/items/%zz',
    '/%ZZ',
    '//',
    '/..',
    '/../../etc/passwd',
    '/items/__proto__',
    '/items/constructor',
    '/items/hasOwnProperty',
    `/items/${'x'.repeat(3000)}`,
    `/items/${'x'.repeat(900)}`,
    '/items?limit=0',
    '/items?limit=-1',
    '/items?limit=NaN',
    '/items?limit=1e9',
    '/items?limit=10&limit=20',
    '/items?query[]=a',
    '/items?query=a&query=b',
    '/items?query=%ff',
    '/items?query=%',
    '/items?model=__proto__',
    '/items?model=toString',
    '/items/tea?model=constructor',
    '/track/NaN',
    '/track/1e3',
    '/track/99999999999999999999',
    '/track/%2e%2e',
    '/track/',
    '/page.js/../../package.json',
    '/page.js%2f..',
    '/%2e%2e/package.json',
    '/openapi.json/',
    '/metrics/x',
    '/admin/reload',
    '/experiments?x=1',
    '/?a[b]=c',
    '/next/1',
    '/last',
    '/models?__proto__=1',
    `/${'a/'.repeat(2000)}`,
  ];

  it(`of which there are ${bodies.length + paths.length} here, and more below`, () => {
    expect(bodies.length + paths.length).toBeGreaterThan(200);
  });

  it('with bodies of all sorts are answered with one clear sentence', async () => {
    for (const [url, payload] of bodies) {
      check(await service.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } }));
    }
  });

  it('with paths of all sorts are, by every method', async () => {
    for (const url of paths) {
      for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS'] as const)
        check(await service.inject({ method, url }));
    }
  });

  it.each([
    '{"history":["tea"],"__proto__":{}}',
    '{"history":["tea"],"\\u005f_proto__":1}',
    '{"history":["tea"],"constructor":1}',
  ])('with keys of prototypes are refused: %s', async (payload) => {
    const headers = { 'content-type': 'application/json' };
    const response = await service.inject({ method: 'POST', url: '/recommend', payload, headers });
    expect([response.statusCode, response.json().error]).toEqual([
      400,
      expect.stringContaining('must have keys of data'),
    ]);
  });

  it('for users who cannot be are', async () => {
    for (const user of [
      '-1',
      '1.5',
      'NaN',
      '__proto__',
      'a',
      '1e3',
      '%00',
      '9'.repeat(16),
      '9'.repeat(400),
      '..',
      '%2e%2e%2f',
    ]) {
      for (const route of ['next', 'last']) {
        const response = await service.inject({
          method: 'POST',
          url: `/${route}/${user}`,
          payload: { track: 1, time: 1 },
        });
        check(response);
        expect(response.statusCode).toBeGreaterThanOrEqual(400);
      }
    }
  });

  it('of other content types are, and of none', async () => {
    const types = [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'json',
      '',
      ';',
      'a/b/c',
      '*/*',
    ];
    for (const type of types) {
      check(
        await service.inject({
          method: 'POST',
          url: '/recommend',
          payload: '{"history":["tea"]}',
          headers: { 'content-type': type },
        }),
      );
    }
    check(await service.inject({ method: 'POST', url: '/recommend' }));
  });

  it('of any JSON are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/recommend', '/next/1', '/last/1', '/admin/reload'),
        fc.jsonValue(),
        async (url, payload) => {
          check(
            await service.inject({
              method: 'POST',
              url,
              payload: JSON.stringify(payload),
              headers: { 'content-type': 'application/json' },
            }),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('with any values for known keys are', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.array(fc.string()), fc.integer(), fc.double());
    const body = fc.dictionary(
      fc.constantFrom('history', 'user', 'k', 'beamWidth', 'exclude', 'only', 'category', 'keepHistory'),
      value,
    );
    await fc.assert(
      fc.asyncProperty(body, async (payload) => {
        check(
          await service.inject({
            method: 'POST',
            url: '/recommend',
            payload: JSON.stringify(payload),
            headers: { 'content-type': 'application/json' },
          }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n'],
    ['two lengths', 'POST /recommend HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    [
      'a wrong length',
      'POST /recommend HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n{}',
    ],
  ])('with %s on the wire are answered with a 4xx', async (_, text) => {
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket
        .on('data', (data) => (received += data))
        .on('end', () => resolve(received))
        .on('close', () => resolve(received))
        .on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({ error: expect.any(String) });
    expect((await get(service, '/health')).status).toBe(200);
  });
});
