import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis } from '../../fixtures/start-redis.js';
import { openLmdbStore } from './lmdb-store.js';
import { createMemoryStore } from './memory-store.js';
import { openRedisStore } from './redis-store.js';
import { createUserUpdates, newUser, type UserState, type UserStore } from './user-state.js';

let folder: string;
let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'state-'));
  if (hasRedis) redis = await startRedis();
});
afterAll(() => {
  redis?.stop();
  rmSync(folder, { recursive: true });
});

/** Opens a store, and opens it again as another process would. */
const stores: [name: string, isThere: boolean, isShared: boolean, open: (name: string) => Promise<UserStore>][] = [
  ['memory', true, false, async () => createMemoryStore()],
  ['lmdb', true, true, async (name) => openLmdbStore(join(folder, 'deep', `${name}.mdb`))],
  ['redis', hasRedis, true, (name) => openRedisStore(redis!.url, { prefix: `${name}:` })],
];

const heard = (...listened: number[]): UserState => ({
  session: listened,
  listened,
  memory: { policy: 'in-order', value: listened.length },
  turns: listened.length,
});

/** A turn that takes a while, as one that asks a model does. */
const add = (track: number) => async (state: UserState) => {
  await new Promise((resolve) => setTimeout(resolve, track % 3));
  return { state: { ...state, listened: [...state.listened, track], turns: state.turns + 1 }, result: track };
};

describe.each(stores)('users in %s', (_, isThere, isShared, open) => {
  it.skipIf(!isThere)('are new until they are kept, and then what they were', async () => {
    const store = await open('kept');
    await store.check();
    expect(await store.read('7')).toEqual({ state: newUser, version: 0 });
    expect(await store.replace('7', heard(3, 1), 0)).toBe(true);
    expect(await store.read('7')).toEqual({ state: heard(3, 1), version: 1 });
    expect(await store.replace('7', heard(3, 1, 4), 1)).toBe(true);
    expect((await store.read('7')).state).toEqual(heard(3, 1, 4));
    expect(await store.read('70')).toEqual({ state: newUser, version: 0 });
    await store.close();
  });

  it.skipIf(!isThere)('are not replaced by somebody who has not seen the latest', async () => {
    const store = await open('stale');
    await store.replace('7', heard(1), 0);
    expect(await store.replace('7', heard(2), 0)).toBe(false);
    await store.replace('7', heard(1, 3), 1);
    expect(await store.replace('7', heard(1, 2), 1)).toBe(false);
    expect(await store.read('7')).toEqual({ state: heard(1, 3), version: 2 });
    await store.close();
  });

  it.skipIf(!isThere)('lose no turn of those that come at once, in their order', async () => {
    const store = await open('at-once');
    const users = createUserUpdates(store);
    const tracks = Array.from({ length: 60 }, (_, i) => i);
    expect(await Promise.all(tracks.map((track) => users.update(String(track % 2), add(track))))).toEqual(tracks);
    for (const user of [0, 1]) {
      expect((await store.read(String(user))).state.listened).toEqual(tracks.filter((track) => track % 2 === user));
    }
    await store.close();
  });

  it.skipIf(!isThere)('go on after a turn that failed', async () => {
    const store = await open('failed');
    const users = createUserUpdates(store);
    const failed = users.update('7', () => Promise.reject(new Error('no model')));
    const next = users.update('7', add(1));
    await expect(failed).rejects.toThrow('no model');
    await next;
    expect((await store.read('7')).state.listened).toEqual([1]);
    await store.close();
  });

  it.skipIf(!isThere || !isShared)('lose no turn of two processes, and outlive both', async () => {
    const [a, b] = [await open('shared'), await open('shared')];
    const turns = [a, b].map(createUserUpdates);
    const tracks = Array.from({ length: 40 }, (_, i) => i);
    await Promise.all(tracks.map((track) => turns[track % 2].update('7', add(track))));
    expect((await b.read('7')).state.turns).toBe(40);
    expect([...(await a.read('7')).state.listened].sort((x, y) => x - y)).toEqual(tracks);
    await a.close();
    await b.close();
    const later = await open('shared');
    expect((await later.read('7')).state.turns).toBe(40);
    await later.close();
  });
});

it('says where a store cannot be opened', async () => {
  await expect(openRedisStore('redis://name:secret@127.0.0.1:1')).rejects.toThrow(
    'serving: Redis must answer at redis://127.0.0.1:1',
  );
  writeFileSync(join(folder, 'file'), '');
  expect(() => openLmdbStore(join(folder, 'file', 'users.mdb'))).toThrow('serving: state must be writable at');
});
