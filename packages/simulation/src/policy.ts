import type { Generator } from '@codebeam/random';

/** One listener's turn: what was played last, and what the policy wrote down about the listener the time before. */
export interface Turn {
  user: number;
  /** The track that was played last, and the share of it that was listened to, 0 to 1. */
  track: number;
  time: number;
  /** Tracks of this session so far in the order they were played, `track` the last. */
  session: readonly number[];
  /** What the policy returned for this user before; undefined for a user whom it has never seen. */
  memory?: number;
  /** Random numbers of this turn: a policy draws from nothing else. */
  random: Generator;
}

export interface Choice {
  track: number;
  /** Kept for the user, across sessions; left out, it stays what it was. */
  memory?: number;
}

/**
 * Says what is played next. It holds no state of its own, so the same policy runs in the simulator, in the service, and in several
 * processes side by side.
 *
 * @param turns  of different users: policies that ask a model do so once for all
 */
export interface Policy {
  readonly name: string;
  next(turns: readonly Turn[]): readonly Choice[] | Promise<readonly Choice[]>;
}
