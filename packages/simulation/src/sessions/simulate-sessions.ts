import { createGenerator, createKey, foldIn, type Generator, type Key } from '@codebeam/random';
import { bucketsOf, type Experiment } from '../experiments/buckets.js';
import { askPolicy, type Policy, type Turn } from '../policy.js';
import type { Catalogue } from './catalogue.js';
import { collectEvents, type EventLog } from './event-log.js';
import type { Listeners } from './listeners.js';
import { artistDiscount, timeInSession } from './listening-time.js';
import { nearestTracks } from './nearest-tracks.js';

export interface SimulateSessionsOptions {
  catalogue: Catalogue;
  users: Listeners;
  policy: Policy;
  /** Sessions, of users drawn at random. */
  episodes: number;
  seed: number;
  /** Sessions that run side by side, so that a policy is asked about as many at a time. Changes no result. Default 256. */
  parallel?: number;
  /** Whose treatments events tell. The policy decides by itself what they mean. */
  experiments?: readonly Experiment[];
  /** A session begins with one of as many tracks nearest to its interest. Default 10. */
  interestNeighbours?: number;
  /** Tracks that may bore a listener before the session ends. Default 5. */
  sessionBudget?: number;
  /** What a track keeps of its time for each earlier one by its artist. Default .8. */
  artistDiscount?: number;
  /** Unix milliseconds at which the first session begins. Default 2025-01-01. */
  start?: number;
  /** Events tell how long the policy took to answer, by the real clock; otherwise 0, so that equal seeds give equal logs. */
  measureLatency?: boolean;
  /** Told before the first session, and whenever some have ended, how many have. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** What the clock adds for a track that is listened to in full, and between the first sessions of users, in milliseconds. */
const trackDuration = 200_000;
const sessionInterval = 1000;

/** A session that is going on, and whose turn it is: made once, changed at each step. */
class Session implements Turn {
  readonly session: number[];
  readonly times = [1];
  readonly latencies: number[] = [];
  memory: number | undefined;
  #drawn: Generator | undefined;
  #drawnAt = -1;

  readonly episode: number;
  readonly user: number;
  readonly interest: number;
  /** Of whatever happens in the session but the policy's choices. */
  readonly listener: Generator;
  readonly #policyKey: Key;
  budget: number;

  constructor(
    { episode, user, interest, first, budget }: Record<'episode' | 'user' | 'interest' | 'first' | 'budget', number>,
    { listener, policyKey }: { listener: Generator; policyKey: Key },
  ) {
    this.episode = episode;
    this.user = user;
    this.interest = interest;
    this.session = [first];
    this.listener = listener;
    this.#policyKey = policyKey;
    this.budget = budget;
  }
  get track(): number {
    return this.session[this.session.length - 1];
  }
  get time(): number {
    return this.times[this.times.length - 1];
  }
  /** Made when it is asked for: many policies draw nothing. */
  get random(): Generator {
    const step = this.session.length - 1;
    if (this.#drawn === undefined || this.#drawnAt !== step) {
      this.#drawn = createGenerator(foldIn(this.#policyKey, step));
      this.#drawnAt = step;
    }
    return this.#drawn;
  }
}

/**
 * Listening sessions after botify's simulator. A session: a user, drawn evenly; one of the user's interests; a first track, one of
 * the nearest to it, which is listened to in full. Then the policy recommends, the user listens for a share of the track
 * ({@link timeInSession}), and with a chance of 1 - share the budget falls by 1, until it is used up. As that is a fair game, the
 * mean of tracks - time is the budget whatever the policy.
 *
 * Many sessions run in step, and those of one user one after another. Random numbers are a function of seed, episode and step, and
 * timestamps are of a simulated clock: the log depends on nothing else, not on `parallel` either.
 *
 * @returns the log, by episode
 * @throws RangeError when the policy recommends no track of the catalogue
 */
export async function simulateSessions(options: SimulateSessionsOptions): Promise<EventLog> {
  const { catalogue, users, policy, episodes, seed, measureLatency = false, onProgress } = options;
  const { parallel = 256, interestNeighbours = 10, sessionBudget = 5, experiments = [] } = options;
  const { start = Date.UTC(2025, 0, 1), artistDiscount: discount = artistDiscount } = options;
  checkCount('episodes', episodes);
  checkCount('parallel sessions', parallel);
  checkCount('users', users.numUsers);
  const nearest = nearestTracks(catalogue, Math.min(interestNeighbours, catalogue.numTracks));
  const [listenerKey, choiceKey] = [0, 1].map((part) => foldIn(createKey(seed, 'sample'), part));
  const buckets = experiments.map((experiment) => bucketsOf(experiment, users.numUsers));
  const memories = new Map<number, number>(); // by user
  const log = orderedLog(start, users.numUsers, (user) =>
    Object.fromEntries(experiments.map(({ name }, i) => [name, buckets[i][user]])),
  );

  function draw(episode: number): Session {
    const listener = createGenerator(foldIn(listenerKey, episode));
    const user = listener.integer(users.numUsers);
    const [from, to] = [users.offsets[user], users.offsets[user + 1]];
    const interest = users.interests[from + listener.integer(to - from)];
    const near = nearest(interest);
    const first = near[listener.integer(near.length)];
    const policyKey = foldIn(choiceKey, episode);
    return new Session({ episode, user, interest, first, budget: sessionBudget }, { listener, policyKey });
  }

  const tastes = Array.from(users.bias, (bias, user) => ({ bias, sharpness: users.sharpness[user] }));

  /** The listener's answer to a recommendation. */
  function play(going: Session, track: number): void {
    const { user, interest, session, times, listener } = going;
    if (!(Number.isInteger(track) && track >= 0 && track < catalogue.numTracks)) {
      throw new RangeError(
        `simulation: policy ${policy.name} must recommend tracks from 0 to ${catalogue.numTracks - 1}, got ${track} for user ${user}; map its items to tracks`,
      );
    }
    const time = timeInSession(catalogue, tastes[user], interest, session, track, discount);
    session.push(track);
    times.push(time);
    if (listener.uniform() > time) going.budget--;
  }

  const going = new Map<number, Session>(); // by user
  const waiting = new Map<number, Session[]>(); // of users who are in a session
  let numWaiting = 0;
  function begin(session: Session): void {
    session.memory = memories.get(session.user);
    going.set(session.user, session);
  }
  let begun = 0;
  let done = 0;
  onProgress?.({ done, total: episodes });
  while (done < episodes) {
    // Few users in many sessions: who waits takes memory, and there are no more sides by side than users.
    while (going.size < Math.min(parallel, users.numUsers) && numWaiting < 4 * parallel && begun < episodes) {
      const session = draw(begun++);
      if (!going.has(session.user)) {
        begin(session);
        continue;
      }
      numWaiting++;
      if (waiting.has(session.user)) waiting.get(session.user)!.push(session);
      else waiting.set(session.user, [session]);
    }
    const sessions = [...going.values()];
    const asked = measureLatency ? performance.now() : 0;
    const choices = await askPolicy(policy, sessions);
    const elapsed = measureLatency ? (performance.now() - asked) / 1000 : 0;
    const ended: Session[] = [];
    for (const [i, session] of sessions.entries()) {
      const { track, memory = session.memory, latency = elapsed } = choices[i];
      session.memory = memory;
      session.latencies.push(measureLatency ? latency : 0);
      play(session, track);
      if (session.budget <= 0) ended.push(session);
    }
    if (ended.length === 0) continue;
    await policy.last?.(ended);
    for (const session of ended) {
      log.add(session);
      const { user, memory } = session;
      if (memory !== undefined) memories.set(user, memory);
      const next = waiting.get(user)?.shift();
      if (next) {
        numWaiting--;
        begin(next);
      } else going.delete(user);
    }
    done += ended.length;
    onProgress?.({ done, total: episodes });
  }
  return log.finish();
}

/** Puts sessions into a log by episode, however they end, with timestamps of a clock that a user's sessions share. */
function orderedLog(start: number, numUsers: number, treatmentsOf: (user: number) => Readonly<Record<string, number>>) {
  const events = collectEvents();
  const early = new Map<number, Session>();
  const clocks = new Float64Array(numUsers).fill(start);
  let next = 0;

  function write({ episode, user, session: tracks, times, latencies }: Session): void {
    const treatments = treatmentsOf(user);
    let now = Math.max(clocks[user], start + episode * sessionInterval);
    for (const [i, track] of tracks.entries()) {
      now += 1 + Math.round(times[i] * trackDuration);
      const isLast = i === tracks.length - 1;
      events.add(
        {
          message: isLast ? 'last' : 'next',
          timestamp: now,
          user,
          track,
          time: times[i],
          latency: isLast ? 0 : latencies[i],
          recommendation: isLast ? null : tracks[i + 1],
        },
        treatments,
      );
    }
    clocks[user] = now;
  }
  return {
    add(session: Session): void {
      early.set(session.episode, session);
      for (let ready = early.get(next); ready; ready = early.get(next)) {
        early.delete(next++);
        write(ready);
      }
    },
    finish: events.finish,
  };
}

function checkCount(what: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new RangeError(`simulation: ${what} must be a positive integer, got ${count}; give one at least`);
}
