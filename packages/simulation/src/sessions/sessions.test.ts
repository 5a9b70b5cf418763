import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readParquet } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { createGenerator, createKey } from '@codebeam/random';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Catalogue,
  type Choice,
  choiceOfEach,
  contextualPolicy,
  courseFiles,
  type EventLog,
  eventAt,
  indexedInOrderPolicy,
  indexedPolicy,
  type Listeners,
  listeningTime,
  listensOf,
  loadCatalogue,
  loadListeners,
  makePolicies,
  nearestTracks,
  type Policy,
  policySchema,
  randomPolicy,
  readEventLines,
  readTrackLists,
  recommenderPolicy,
  repeatPolicy,
  restartWhenBoredPolicy,
  sequentialPolicy,
  sessionise,
  sessionMeans,
  simulateSessions,
  stickyArtistPolicy,
  syntheticCatalogue,
  syntheticListeners,
  type Turn,
  timeInSession,
  topLists,
  topPopularPolicy,
  writeEventLines,
  writeEventTable,
  writeListens,
  writeTrackLists,
} from '../index.js';

const catalogue = syntheticCatalogue({ seed: 42, tracks: 3000 });
const users = syntheticListeners(catalogue, { seed: 42, users: 1000 });

/** Three tracks, the first two by one artist, on a line. */
const small: Catalogue = {
  numTracks: 3,
  titles: ['a', 'b', 'c'],
  artists: Int32Array.of(0, 0, 1),
  artistNames: ['x', 'y'],
  genres: Int32Array.of(0, 0, 0),
  genreNames: ['z'],
  popularity: Float64Array.of(3, 1, 2),
  width: 1,
  embeddings: Float32Array.of(2, 3, 1),
};

function turn(about: Partial<Turn> = {}): Turn {
  return { user: 0, track: 0, time: 1, session: [0], random: createGenerator(createKey(1, 'sample')), ...about };
}
const ask = async (policy: Policy, about: Partial<Turn> = {}): Promise<Choice> => (await policy.next([turn(about)]))[0];

describe('listeningTime', () => {
  it('is the share of seed 003: sigmoid, discount for the artist, two digits', () => {
    expect(listeningTime(6, { bias: 5, sharpness: 1 }, 2)).toBe(0.47); // .731059 * .64 = .467878
    expect(listeningTime(6, { bias: 5, sharpness: 1 }, 0)).toBe(0.73);
    expect(listeningTime(5, { bias: 5, sharpness: 1.7 }, 0)).toBe(0.5);
    expect(listeningTime(6, { bias: 5, sharpness: 2 }, 0)).toBe(0.88); // sigmoid(2) = .880797
    expect(listeningTime(6, { bias: 5, sharpness: 1 }, 2, 0.5)).toBe(0.18); // .731059 * .25 = .182765
    expect(listeningTime(-50, { bias: 10, sharpness: 2 }, 0)).toBe(0);
    expect(listeningTime(50, { bias: 0, sharpness: 2 }, 0)).toBe(1);
  });

  it('is 0 for a track of the session, and counts tracks by its artist', () => {
    const taste = { bias: 5, sharpness: 1 };
    expect(timeInSession(small, taste, 1, [0, 2], 0)).toBe(0);
    expect(timeInSession(small, taste, 1, [2], 0)).toBe(0.73); // 2 * 3 = 6
    expect(timeInSession(small, taste, 1, [1, 2], 0)).toBe(0.58); // .731059 * .8
  });
});

describe('catalogue', () => {
  it('has inner products of about 0 to 10, the higher the more two tracks share', () => {
    const { artists, genres, embeddings, width, numTracks } = catalogue;
    const random = createGenerator(createKey(3, 'sample'));
    const product = (a: number, b: number) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += embeddings[a * width + i] * embeddings[b * width + i];
      return sum;
    };
    const groups = { strangers: [] as number[], genre: [] as number[], artist: [] as number[], self: [] as number[] };
    for (let draw = 0; draw < 60_000; draw++) {
      const [a, b] = [random.integer(numTracks), random.integer(numTracks)];
      groups.self.push(product(a, a));
      if (a === b) continue;
      const group = artists[a] === artists[b] ? 'artist' : genres[a] === genres[b] ? 'genre' : 'strangers';
      groups[group].push(product(a, b));
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(groups.strangers))).toBeLessThan(1);
    expect(mean(groups.genre)).toBeGreaterThan(5);
    expect(mean(groups.genre)).toBeLessThan(7.5);
    expect(mean(groups.artist)).toBeGreaterThan(7.5);
    expect(mean(groups.self)).toBeLessThan(11);
  });

  it('is a function of the seed', () => {
    expect(syntheticCatalogue({ seed: 1, tracks: 300 })).toEqual(syntheticCatalogue({ seed: 1, tracks: 300 }));
    expect(syntheticCatalogue({ seed: 1, tracks: 300 })).not.toEqual(syntheticCatalogue({ seed: 2, tracks: 300 }));
    expect(() => syntheticCatalogue({ seed: 1, tracks: 30, genres: 48 })).toThrow(
      'simulation: a catalogue must have as many tracks as artists and as many artists as genres, got 30, 7 and 48',
    );
  });

  it('draws users as the course does', () => {
    const { bias, sharpness, interests, offsets, numUsers } = syntheticListeners(catalogue, { seed: 7, users: 4000 });
    expect([numUsers, offsets[1], interests.length]).toEqual([4000, 3, 12_000]);
    expect(Math.min(...bias)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...bias)).toBeLessThan(10);
    expect(bias.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(5, 0);
    expect(Math.min(...sharpness)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...sharpness)).toBeLessThanOrEqual(2);
    expect(sharpness.filter((value) => value >= 1).length / 4000).toBeCloseTo(0.5, 1);
    // Interests by popularity: their mean popularity is E[p²] / E[p], far above that of tracks.
    const { popularity } = catalogue;
    const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
    const expected = mean(popularity.map((p) => p * p)) / mean(popularity);
    expect(mean(Array.from(interests, (track) => popularity[track])) / expected).toBeGreaterThan(0.9);
    expect(mean(Array.from(interests, (track) => popularity[track])) / expected).toBeLessThan(1.1);
  });

  it('finds the nearest tracks exactly', () => {
    const nearest = nearestTracks(catalogue, 10);
    const { embeddings, width, numTracks } = catalogue;
    for (const track of [0, 17, 400, 2999]) {
      const products = Float64Array.from({ length: numTracks }, (_, other) => {
        let sum = 0;
        for (let i = 0; i < width; i++) sum += embeddings[track * width + i] * embeddings[other * width + i];
        return sum;
      });
      const found = nearest(track);
      const tenth = products.toSorted().at(-10)!;
      expect(new Set(found).size).toBe(10);
      for (const other of found) expect(products[other]).toBeGreaterThan(tenth - 1e-5);
      for (let i = 1; i < 10; i++) expect(products[found[i]]).toBeLessThan(products[found[i - 1]] + 1e-5);
    }
    expect(Array.from(nearestTracks(small, 3)(1))).toEqual([1, 0, 2]);
    expect(() => nearestTracks(small, 4)).toThrow(
      'simulation: nearest tracks must be from 1 to the 3 of the catalogue',
    );
  });

  const data = process.env.CODEBEAM_DATA && join(process.env.CODEBEAM_DATA, 'botify');
  it.skipIf(!data)(`reads the course's files${data ? '' : ' (skipped: CODEBEAM_DATA is not set)'}`, async () => {
    const files = courseFiles(data!);
    const course = await loadCatalogue(files, { seed: 42 });
    const listeners = await loadListeners(files.users, course);
    expect([course.numTracks, course.artistNames.length, listeners.numUsers]).toEqual([50_000, 11_464, 10_000]);
    expect([course.titles[0], course.artistNames[course.artists[8]]]).toEqual(['The Cove', 'Jack Johnson']);
    expect(Array.from(listeners.interests.subarray(0, 3))).toEqual([44_973, 6615, 4773]);
    expect(listeners.bias[0]).toBe(9.642594065845353);
    expect(course.popularity[246]).toBe(1); // the first of the top tracks
    expect(course.popularity[246]).toBeGreaterThan(course.popularity[171]);
    const log = await simulateSessions({
      catalogue: course,
      users: listeners,
      policy: topPopularPolicy(course),
      episodes: 300,
      seed: 1,
    });
    expect(sessionMeans(sessionise(log)).sessions).toBe(300);
  });

  it('names file and line of what is no track or user', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'catalogue-'));
    const { writeFile } = await import('node:fs/promises');
    await writeFile(
      join(folder, 'tracks'),
      '{"track":0,"artist":"a","title":"b"}\n{"track":2,"artist":"a","title":"b"}\n',
    );
    await expect(loadCatalogue({ tracks: join(folder, 'tracks') }, { seed: 1 })).rejects.toThrow('got 2 in line 2');
    await writeFile(join(folder, 'users'), '{"user":0,"interests":[9]}\n');
    await expect(loadListeners(join(folder, 'users'), { numTracks: 5 })).rejects.toThrow('tracks below 5, got 9');
    await writeFile(join(folder, 'users'), '{"user":0,"interests":[4]}\n');
    const { bias, sharpness } = await loadListeners(join(folder, 'users'), { numTracks: 5 });
    expect([bias[0], sharpness[0]]).toEqual([5, 1]); // the course's defaults
    await writeFile(join(folder, 'users'), '{"user":0\n');
    await expect(loadListeners(join(folder, 'users'), { numTracks: 5 })).rejects.toThrow('users:1 must be JSON');
  });
});

describe('policies', () => {
  const lists = new Map([[0, [2, 0, 1]]]);
  const fallback = choiceOfEach('fallback', () => ({ track: 99 }));

  it('sticky-artist stays with the artist, and may repeat the track', async () => {
    const policy = stickyArtistPolicy(small);
    const random = createGenerator(createKey(1, 'sample'));
    const drawn = new Set<number>();
    for (let i = 0; i < 30; i++) drawn.add((await ask(policy, { track: 1, random })).track);
    expect([...drawn].sort()).toEqual([0, 1]);
    expect((await ask(policy, { track: 2 })).track).toBe(2);
  });

  it('top-popular draws from the top alone', async () => {
    const random = createGenerator(createKey(1, 'sample'));
    const drawn = new Set<number>();
    for (let i = 0; i < 30; i++) drawn.add((await ask(topPopularPolicy(small, 2), { random })).track);
    expect([...drawn].sort()).toEqual([0, 2]);
  });

  it('indexed draws from the whole list, and falls back without one', async () => {
    const random = createGenerator(createKey(1, 'sample'));
    const drawn = new Set<number>();
    for (let i = 0; i < 60; i++) drawn.add((await ask(indexedPolicy(lists, fallback), { random })).track);
    expect([...drawn].sort()).toEqual([0, 1, 2]);
    expect((await ask(indexedPolicy(lists, fallback), { user: 5 })).track).toBe(99);
    expect((await ask(indexedPolicy(new Map([[0, []]]), fallback))).track).toBe(99);
  });

  it('in order goes through the list and begins again after its end', async () => {
    const policy = indexedInOrderPolicy(lists, fallback);
    let memory: number | undefined;
    const played: number[] = [];
    for (let i = 0; i < 5; i++) {
      const choice = await ask(policy, { ...(memory !== undefined && { memory }), time: 0 });
      played.push(choice.track);
      memory = choice.memory;
    }
    expect(played).toEqual([2, 0, 1, 2, 0]);
  });

  it('restarts when a track above index 50 bores, and only then', async () => {
    const long = new Map([[0, Array.from({ length: 100 }, (_, track) => track)]]);
    const policy = restartWhenBoredPolicy(long, fallback);
    // Memory is the place that comes next: 52 says that the track at index 51 was recommended last.
    expect(await ask(policy, { memory: 52, time: 0.09 })).toEqual({ track: 0, memory: 1 });
    expect(await ask(policy, { memory: 52, time: 0.1 })).toEqual({ track: 52, memory: 53 });
    expect(await ask(policy, { memory: 51, time: 0 })).toEqual({ track: 51, memory: 52 });
    expect(await ask(policy, { memory: 100, time: 1 })).toEqual({ track: 0, memory: 1 });
    expect(await ask(policy)).toEqual({ track: 0, memory: 1 });
  });

  it('sequential takes the track after the last, wraps, and begins with the second', async () => {
    const policy = sequentialPolicy(lists, fallback);
    expect((await ask(policy, { track: 2 })).track).toBe(0);
    expect((await ask(policy, { track: 1 })).track).toBe(2);
    expect((await ask(policy, { track: 7 })).track).toBe(0);
    expect((await ask(sequentialPolicy(new Map([[0, [4]]]), fallback), { track: 7 })).track).toBe(4);
  });

  it('contextual draws from the list of the last track', async () => {
    const policy = contextualPolicy(new Map([[7, [3]]]), fallback);
    expect((await ask(policy, { track: 7 })).track).toBe(3);
    expect((await ask(policy, { track: 8 })).track).toBe(99);
  });

  it('asks a recommender once for all turns, in its items, and falls back for empty lists', async () => {
    const asked: number[][] = [];
    const recommender: Recommender = {
      name: 'next-item',
      async recommend(histories, k, { maskHistory, users: named }) {
        asked.push(...histories.map((history) => Array.from(history)));
        expect([k, maskHistory, named]).toEqual([1, true, ['0', '1', '2']]);
        return {
          k,
          items: Int32Array.from(histories, (history) => (history.length > 0 ? history.at(-1)! + 1 : -1)),
          scores: Float32Array.from(histories, () => 0),
        };
      },
    };
    const policy = recommenderPolicy(recommender, { fallback, itemIds: ['30', '10', '20'] });
    const turns = [turn({ session: [10, 5, 30] }), turn({ user: 1, session: [10] }), turn({ user: 2, session: [5] })];
    expect(await policy.next(turns)).toEqual([{ track: 10 }, { track: 20 }, { track: 99 }]);
    expect(asked).toEqual([[1, 0], [1], []]);
  });

  it('writes and reads lists as the course does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lists-'));
    const file = join(folder, 'lists.json');
    await writeTrackLists(file, lists);
    expect(await readFile(file, 'utf8')).toBe('{"user":0,"tracks":[2,0,1]}\n');
    expect(await readTrackLists(file, { numTracks: 3 })).toEqual(new Map([[0, Int32Array.of(2, 0, 1)]]));
    await expect(readTrackLists(file, { numTracks: 2 })).rejects.toThrow(
      'lists.json:1 must be of tracks below 2, got 2',
    );
    await expect(readTrackLists(file, { numTracks: 3, by: 'track' })).rejects.toThrow('lists.json:1 must be a line');
    await writeTrackLists(file, new Map());
    await expect(readTrackLists(file, { numTracks: 3 })).rejects.toThrow('must have a list by user at least, got none');
  });

  it('refuses recommenders of items that are no tracks', async () => {
    const recommender = { name: 'texts', recommend: () => Promise.reject(new Error('not asked')) };
    expect(() => recommenderPolicy(recommender, { fallback, itemIds: ['1', 'B00X'] })).toThrow(
      "simulation: ids of texts's items must be whole numbers below 2147483648, got B00X",
    );
    const saved = { ...recommender, userIds: ['A1'], itemIds: ['0'], recommendToUsers: recommender.recommend };
    const services = { catalogue, pathOf: (name: string) => name, loadRecommender: async () => saved };
    const config = policySchema.parse({ type: 'indexed', checkpoint: 'folder' });
    await expect(makePolicies(['mine'], { mine: config }, services)).rejects.toThrow(
      'simulation: ids of users of the checkpoint of policies.mine must be whole numbers below 2147483648, got A1',
    );
  });
});

const means = async (policy: Policy, episodes: number, more: { users?: Listeners; seed?: number } = {}) =>
  sessionMeans(sessionise(await simulateSessions({ catalogue, users, policy, episodes, seed: 1, ...more })));

describe('simulateSessions', () => {
  let byPolicy: Record<string, Awaited<ReturnType<typeof means>>>;
  beforeAll(async () => {
    const policies = [randomPolicy(catalogue), stickyArtistPolicy(catalogue), repeatPolicy()];
    byPolicy = Object.fromEntries(
      await Promise.all(policies.map(async (policy) => [policy.name, await means(policy, 20_000)])),
    );
  });

  it('plays tracks for 5.00 ± .05 more than they are listened to, whatever the policy', () => {
    for (const { mean_tracks_minus_time } of Object.values(byPolicy)) {
      expect(Math.abs(mean_tracks_minus_time - 5)).toBeLessThan(0.05);
    }
  });

  it('plays exactly 6 tracks for a time of 1 when the first is repeated', () => {
    expect(byPolicy.repeat).toMatchObject({ sessions: 20_000, mean_tracks_per_session: 6, mean_time_per_session: 1 });
  });

  it('has users listen for a quarter longer to the same artist than to anything', () => {
    const { random, 'sticky-artist': sticky } = byPolicy;
    expect(sticky.mean_time_per_session / random.mean_time_per_session).toBeGreaterThan(1.25);
    expect(random.mean_time_per_session).toBeGreaterThan(1.8); // the course's 2.05
    expect(random.mean_time_per_session).toBeLessThan(2.5);
  });

  it('begins sessions with a track near an interest, and logs what botify logs', async () => {
    const log = await simulateSessions({
      catalogue,
      users,
      policy: stickyArtistPolicy(catalogue),
      episodes: 50,
      seed: 3,
      experiments: [{ name: 'AA', ways: 2 }],
      start: 1_700_000_000_000,
    });
    const nearest = nearestTracks(catalogue, 10);
    let isFirst = true;
    for (let row = 0; row < log.users.length; row++) {
      const event = eventAt(log, row);
      expect(Object.keys(event)).toEqual(
        'message timestamp user track time latency recommendation experiments'.split(' '),
      );
      if (isFirst) {
        const { interests, offsets } = users;
        const own = interests.subarray(offsets[event.user], offsets[event.user + 1]);
        expect(Array.from(own).some((interest) => nearest(interest).includes(event.track))).toBe(true);
        expect(event.time).toBe(1);
      }
      isFirst = event.message === 'last';
      if (isFirst) expect(event.recommendation).toBeNull();
      else expect(event.recommendation).toBe(log.tracks[row + 1]);
      expect(event.experiments.AA).toMatch(/^(C|T1)$/);
      expect([event.latency, event.timestamp > 1_700_000_000_000]).toEqual([0, true]);
    }
    expect(isFirst).toBe(true);
  });

  it('gives the same log whatever runs side by side, and another for another seed', async () => {
    const few = syntheticListeners(catalogue, { seed: 5, users: 40 }); // users meet themselves
    const lists = new Map(
      Array.from({ length: 30 }, (_, user) => [user, Int32Array.from({ length: 9 }, (_, i) => 9 * user + i)]),
    );
    const policy = indexedInOrderPolicy(lists, randomPolicy(catalogue));
    const logs: EventLog[] = [];
    for (const [parallel, seed] of [
      [1, 1],
      [7, 1],
      [500, 1],
      [7, 2],
    ]) {
      logs.push(await simulateSessions({ catalogue, users: few, policy, episodes: 300, seed, parallel }));
    }
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
    expect(logs[3]).not.toEqual(logs[0]);
    // In order across a user's sessions: what is recommended is what comes next in the list, again and again.
    const own = Array.from(logs[0].users.keys()).filter((row) => logs[0].users[row] === 4 && logs[0].isLast[row] === 0);
    expect(own.map((row) => logs[0].recommendations[row])).toEqual(own.map((_, i) => 36 + (i % 9)));
  });

  it('never asks about one user twice at a time, and tells of ends', async () => {
    const few = syntheticListeners(catalogue, { seed: 5, users: 10 });
    const inner = randomPolicy(catalogue);
    let [largest, ends] = [0, 0];
    const policy: Policy = {
      name: 'watched',
      next(turns) {
        largest = Math.max(largest, turns.length);
        expect(new Set(turns.map(({ user }) => user)).size).toBe(turns.length);
        for (const { session, track } of turns) expect(session.at(-1)).toBe(track);
        return inner.next(turns);
      },
      last(turns) {
        ends += turns.length;
      },
    };
    const told: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => told.push(done / total);
    await simulateSessions({ catalogue, users: few, policy, episodes: 100, seed: 1, parallel: 64, onProgress });
    expect([told[0], told.at(-1)]).toEqual([0, 1]);
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    expect([largest, ends]).toEqual([10, 100]);
  });

  it('refuses what is no track', async () => {
    const policy = choiceOfEach('wrong', () => ({ track: 3000 }));
    await expect(simulateSessions({ catalogue, users, policy, episodes: 1, seed: 1 })).rejects.toThrow(
      'simulation: policy wrong must recommend tracks from 0 to 2999, got 3000',
    );
    const silent: Policy = { name: 'silent', next: () => [] };
    await expect(simulateSessions({ catalogue, users, policy: silent, episodes: 1, seed: 1 })).rejects.toThrow(
      'simulation: policy silent must choose a track for each of 1 turns, got 0',
    );
    await expect(simulateSessions({ catalogue, users, policy, episodes: 0, seed: 1 })).rejects.toThrow(
      'simulation: episodes must be a positive integer, got 0',
    );
  });

  it('takes 100,000 steps a second of processor time', async () => {
    const policy = topPopularPolicy(catalogue);
    const run = () => simulateSessions({ catalogue, users, policy, episodes: 20_000, seed: 2 });
    await run();
    const rates: number[] = [];
    for (let pass = 0; pass < 3; pass++) {
      const before = process.cpuUsage();
      const log = await run();
      const { user, system } = process.cpuUsage(before);
      rates.push((log.users.length - 20_000) / ((user + system) / 1e6));
    }
    // Processor time, as the machine may do other work besides; by the clock, see test/bench/sessions.mjs.
    expect(Math.max(...rates)).toBeGreaterThan(100_000);
  });
});

describe('event log', () => {
  let log: EventLog;
  beforeAll(async () => {
    const experiments = [{ name: 'AA', ways: 2 }];
    log = await simulateSessions({
      catalogue,
      users,
      policy: stickyArtistPolicy(catalogue),
      episodes: 2000,
      seed: 1,
      experiments,
    });
  });

  it('is written a JSON object a line, with equal bytes for equal logs, and read back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'events-'));
    await writeEventLines(join(folder, 'a.jsonl'), log);
    await writeEventLines(join(folder, 'b.jsonl'), log);
    const text = await readFile(join(folder, 'a.jsonl'), 'utf8');
    expect(await readFile(join(folder, 'b.jsonl'), 'utf8')).toBe(text);
    expect(JSON.parse(text.slice(0, text.indexOf('\n')))).toEqual(eventAt(log, 0));
    const back = await readEventLines([join(folder, 'a.jsonl')]);
    expect(sessionise(back)).toEqual(sessionise(log)); // rows come by time, sessions by user
    expect(Array.from(back.timestamps)).toEqual(Array.from(log.timestamps).sort((a, b) => a - b));
  });

  it('is read without a last line that is half there', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'events-')), 'data.json');
    const whole = JSON.stringify(eventAt(log, 0));
    await writeFile(file, `${whole}\n${whole.slice(0, 40)}`);
    expect((await readEventLines([file])).users.length).toBe(1);
    await writeFile(file, `${whole.slice(0, 40)}\n${whole}\n`);
    await expect(readEventLines([file])).rejects.toThrow('data.json:1 must be JSON');
  });

  it('is a Parquet table', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'events-')), 'events.parquet');
    await writeEventTable(file, log);
    const table = await readParquet(file, {
      message: 'string',
      timestamp: 'timestamp',
      recommendation: 'int32',
      experiment_AA: 'string',
    });
    expect(table.message.length).toBe(log.users.length);
    expect(table.message.filter((message) => message === 'last').length).toBe(2000);
    expect(Array.from(table.recommendation)).toEqual(Array.from(log.recommendations));
    expect(table.timestamp[5]).toBeCloseTo(log.timestamps[5] / 1000, 3);
    expect(new Set(table.experiment_AA)).toEqual(new Set(['C', 'T1']));
  });

  it('gives training data: liked tracks, of users and tracks that have three', async () => {
    const listens = await listensOf(log);
    const liked = log.times.filter((time) => time > 0.8).length;
    expect(listens.users.length).toBeLessThan(liked);
    for (const [column, ids] of [
      [listens.users, listens.userIds],
      [listens.items, listens.itemIds],
    ] as const) {
      const counts = new Int32Array(ids.length);
      for (const value of column) counts[value]++;
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
    }
    const file = join(await mkdtemp(join(tmpdir(), 'listens-')), 'listens.parquet');
    await writeListens(file, listens);
    const { user, item } = await readParquet(file, { user: 'string', item: 'string', timestamp: 'timestamp' });
    expect([user[0], item[0]]).toEqual([listens.userIds[listens.users[0]], listens.itemIds[listens.items[0]]]);
  });

  it('turns a recommender into lists', async () => {
    const recommender: Recommender = {
      name: 'count-up',
      recommend: async (histories, k) => ({
        k,
        items: Int32Array.from({ length: histories.length * k }, (_, i) => (i % k < 2 ? i % k : -1)),
        scores: new Float32Array(histories.length * k),
      }),
    };
    const lists = await topLists(
      recommender,
      { users: [8], histories: [Int32Array.of(0)] },
      { k: 3, itemIds: ['5', '6'] },
    );
    expect(lists).toEqual(new Map([[8, Int32Array.of(5, 6)]]));
  });
});
