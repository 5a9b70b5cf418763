import type { EventLog } from '../sessions/event-log.js';

/** Sessions as columns, by user and time. */
export interface Sessions {
  users: Int32Array;
  /** Tracks played, the first one with them. */
  tracks: Int32Array;
  /** Sum of the shares that were listened to. */
  time: Float64Array;
  /** Sum of the recommendations' latencies in milliseconds. */
  latency: Float64Array;
  /** Unix milliseconds of the first event. */
  starts: Float64Array;
  /** Number of the treatment by experiment, as the session's last event has it; -1 for none. */
  experiments: Readonly<Record<string, Int8Array>>;
}

/** Cuts each user's events, by time and of equal time as they stand in the log, after each `last`. What no `last` closes is left out. */
export function sessionise(log: EventLog): Sessions {
  const { users, timestamps, isLast } = log;
  const order = Int32Array.from(users.keys()).sort(
    (a, b) => users[a] - users[b] || timestamps[a] - timestamps[b] || a - b,
  );
  const count = isLast.reduce((sum, last) => sum + last, 0);
  const sessions = {
    users: new Int32Array(count),
    tracks: new Int32Array(count),
    time: new Float64Array(count),
    latency: new Float64Array(count),
    starts: new Float64Array(count),
  };
  const experiments = Object.fromEntries(Object.keys(log.experiments).map((name) => [name, new Int8Array(count)]));
  let session = 0;
  let [tracks, time, latency, start] = [0, 0, 0, 0];
  for (const [place, row] of order.entries()) {
    const isFirst = tracks === 0 || users[order[place - 1]] !== users[row];
    if (isFirst) [tracks, time, latency, start] = [0, 0, 0, timestamps[row]];
    tracks++;
    time += log.times[row];
    latency += 1000 * log.latencies[row];
    if (isLast[row] === 0) continue;
    sessions.users[session] = users[row];
    sessions.tracks[session] = tracks;
    sessions.time[session] = time;
    sessions.latency[session] = latency;
    sessions.starts[session] = start;
    for (const name in experiments) experiments[name][session] = log.experiments[name][row];
    session++;
    tracks = 0;
  }
  return { ...sessions, experiments };
}
