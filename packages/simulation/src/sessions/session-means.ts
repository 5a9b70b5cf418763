import { describeSample } from '@codebeam/eval';
import type { Sessions } from '../experiments/sessionise.js';

/** Means over sessions, each as likely, whoever's they are. */
export interface SessionMeans {
  sessions: number;
  users: number;
  mean_tracks_per_session: number;
  mean_time_per_session: number;
  /** Of mean_time_per_session. */
  standard_error: number;
  /** The session budget, but for chance: a check of the simulation. */
  mean_tracks_minus_time: number;
  /** Milliseconds a track. */
  mean_request_latency: number;
}

/** @param rows  the sessions to look at; all when left out */
export function sessionMeans(
  sessions: Sessions,
  rows: Int32Array = Int32Array.from(sessions.users.keys()),
): SessionMeans {
  const mean = (values: ArrayLike<number>) => {
    let sum = 0;
    for (const row of rows) sum += values[row];
    return sum / rows.length;
  };
  const tracks = mean(sessions.tracks);
  const time = mean(sessions.time);
  const { variance } = describeSample(Float64Array.from(rows, (row) => sessions.time[row]));
  return {
    sessions: rows.length,
    users: new Set(Array.from(rows, (row) => sessions.users[row])).size,
    mean_tracks_per_session: tracks,
    mean_time_per_session: time,
    standard_error: Math.sqrt(variance / rows.length),
    mean_tracks_minus_time: tracks - time,
    mean_request_latency: mean(sessions.latency) / tracks,
  };
}
