import { createServer, type Server } from 'node:http';
import { emptyRecommendations, type Recommender } from '@codebeam/eval';
import {
  indexedInOrderPolicy,
  randomPolicy,
  remotePolicy,
  type SessionEvent,
  sessionise,
  simulateSessions,
  syntheticCatalogue,
  syntheticListeners,
} from '@codebeam/simulation';
import { afterEach, describe, expect, it } from 'vitest';
import type { Service } from './create-app.js';
import { createService, type ServiceOptions } from './create-service.js';
import { recommenderModel } from './model.js';

const catalogue = syntheticCatalogue({ seed: 1, tracks: 300 });
const users = syntheticListeners(catalogue, { seed: 1, users: 40 });
/** Every third user has a list. */
const lists = new Map(Array.from({ length: 14 }, (_, i) => [3 * i, [5 * i, 5 * i + 1, 5 * i + 2]]));
const nothing: Recommender = {
  name: 'nothing',
  recommend: async (histories, k) => emptyRecommendations(histories.length, k),
};

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
});

async function start(options: Partial<ServiceOptions> = {}): Promise<string> {
  const service: Service = await createService({
    models: { nothing: () => recommenderModel(nothing, Array.from(catalogue.artists.keys(), String)) },
    onError: () => {},
    ...options,
  });
  running.push(service);
  return service.listen({ host: '127.0.0.1', port: 0 });
}

/** A service that answers everything so. */
const answering = (status: number, body: string): Promise<string> =>
  listen(
    createServer((request, response) => {
      request.resume();
      response.writeHead(status).end(body);
    }),
  );

async function listen(server: Server): Promise<string> {
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const simulate = (policy: ReturnType<typeof remotePolicy>, more: { episodes?: number; parallel?: number } = {}) =>
  simulateSessions({ catalogue, users, policy, episodes: 120, seed: 3, parallel: 16, ...more });

describe('sessions over HTTP', () => {
  it('are those that the policy plays in process, and all in the log of the service', async () => {
    // The fallback must draw nothing: the service has random numbers of its own.
    const fallback = indexedInOrderPolicy(
      new Map(Array.from({ length: 40 }, (_, user) => [user, [user]])),
      randomPolicy(catalogue),
    );
    const policy = indexedInOrderPolicy(lists, fallback);
    const events: SessionEvent[] = [];
    const log = { append: async (event: SessionEvent) => void events.push(event), files: [], close: async () => {} };
    const url = await start({ sessions: () => ({ policy }), log });

    const [here, there] = [await simulate(policy), await simulate(remotePolicy(`${url}/`))];
    expect(there).toEqual(here);
    expect(events).toHaveLength(here.users.length);
    const told = sessionise(there);
    expect(events.filter(({ message }) => message === 'last')).toHaveLength(told.users.length);
    const timeOf = (user: number) =>
      events.filter((event) => event.user === user).reduce((sum, { time }) => sum + time, 0);
    const sumOf = (user: number) =>
      told.time.reduce((sum, time, row) => sum + (told.users[row] === user ? time : 0), 0);
    for (const user of new Set(told.users)) expect(timeOf(user)).toBeCloseTo(sumOf(user), 9);
  });

  it('give an API key where one is asked for, and say so where it is missing', async () => {
    const url = await start({ apiKey: 'secret' });
    const events = await simulate(remotePolicy(url, { apiKey: 'secret' }), { episodes: 2 });
    expect(events.isLast.reduce((sum, last) => sum + last, 0)).toBe(2);
    await expect(simulate(remotePolicy(url))).rejects.toThrow(
      /^simulation: service at http:\S+ must take \/next of user \d+, got 401: the API key must be given.*; give its API key$/,
    );
  });
});

describe('a service that does not play along', () => {
  it('of another catalogue is told from one that fails', async () => {
    const url = await start({ describeTrack: (track) => (track < 10 ? {} : undefined) });
    await expect(simulate(remotePolicy(url))).rejects.toThrow(
      /got 400: track must be one of the catalogue, got \d+; serve the catalogue that is simulated$/,
    );
  });

  it.each([
    [404, '{"error":"no such route"}', 'got 404: no such route; name a service'],
    [429, '{"error":"slower"}', 'got 429: slower; let fewer users listen at a time'],
    [502, '<html>Bad gateway</html>', 'got 502: <html>Bad gateway</html>; its log says why'],
    [200, '{"user":1}', 'must answer /next with {"user", "track"}'],
    [200, 'fine', 'must answer /next with {"user", "track"}'],
    [200, '{"user":1,"track":1000000}', 'must recommend tracks from 0 to 299, got 1000000'],
  ])('is named: %i %s', async (status, body, message) => {
    await expect(simulate(remotePolicy(await answering(status, body)))).rejects.toThrow(message);
  });

  it('or is not there, or silent', async () => {
    await expect(simulate(remotePolicy('http://127.0.0.1:1'))).rejects.toThrow(
      /^simulation: service at http:\/\/127\.0\.0\.1:1 must answer, got connect ECONNREFUSED .*; start it there/,
    );
    const silent = await listen(createServer(() => {}));
    await expect(simulate(remotePolicy(silent, { timeoutSeconds: 0.1 }))).rejects.toThrow(
      'must answer, got nothing for 0.1 s',
    );
  });
});
