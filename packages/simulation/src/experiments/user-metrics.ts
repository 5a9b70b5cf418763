import type { Sessions } from './sessionise.js';

/** What an experiment is judged by: numbers of each user. */
export const userMetricNames = [
  'time',
  'sessions',
  'mean_request_latency',
  'mean_tracks_per_session',
  'mean_time_per_session',
] as const;
export type UserMetric = (typeof userMetricNames)[number];

/** A row for each user who has a session, by user. */
export interface UserMetrics {
  users: Int32Array;
  /** Number of the treatment by experiment, as the user's first session has it; -1 for none. */
  experiments: Readonly<Record<string, Int8Array>>;
  /** `mean_request_latency` in milliseconds a track; time in tracks. */
  values: Readonly<Record<UserMetric, Float64Array>>;
}

/** Sums and means of each user's sessions, which stand together. */
export function userMetrics(sessions: Sessions): UserMetrics {
  const starts: number[] = []; // of each user's sessions
  for (let row = 0; row < sessions.users.length; row++) {
    if (row === 0 || sessions.users[row] !== sessions.users[row - 1]) starts.push(row);
  }
  const sumOf = (column: ArrayLike<number>) =>
    Float64Array.from(starts, (start, user) => {
      let sum = 0;
      for (let row = start; row < (starts[user + 1] ?? sessions.users.length); row++) sum += column[row];
      return sum;
    });
  const [time, tracks, latency] = [sessions.time, sessions.tracks, sessions.latency].map(sumOf);
  const count = Float64Array.from(starts, (start, user) => (starts[user + 1] ?? sessions.users.length) - start);
  return {
    users: Int32Array.from(starts, (start) => sessions.users[start]),
    experiments: Object.fromEntries(
      Object.entries(sessions.experiments).map(([name, numbers]) => [
        name,
        Int8Array.from(starts, (start) => numbers[start]),
      ]),
    ),
    values: {
      time,
      sessions: count,
      mean_request_latency: latency.map((sum, user) => sum / tracks[user]),
      mean_tracks_per_session: tracks.map((sum, user) => sum / count[user]),
      mean_time_per_session: time.map((sum, user) => sum / count[user]),
    },
  };
}
