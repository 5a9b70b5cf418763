import type { Generator } from '@codebeam/random';
import type { Profiles } from './profiles.js';
import type { Scorer } from './score-functions.js';
import type { System } from './system.js';

/** A simulation as measurements see it, after a step or, at step 0, before any. */
export interface Population {
  /** Steps made so far. */
  readonly step: number;
  /** U */
  readonly numUsers: number;
  /** I */
  readonly numItems: number;
  /** [U, A] who the users are. */
  readonly users: Profiles;
  /** [I, A] what the items are. */
  readonly items: Profiles;
  /** [C, A] who makes items. */
  readonly creators?: Profiles;
  readonly system: System;
  /** What the users think of items. */
  readonly actualScores: Scorer;
  /** What the system thinks they do, as of its last training; a system that makes lists has no scores. */
  readonly predictedScores?: Scorer;
  /** What the last step showed: for each user `k` items in order of place, [U*k]. */
  readonly shown?: { readonly k: number; readonly items: Int32Array };
  /** By step the item that each user interacted with, [U] as there were users then. The last is the last step's. */
  readonly interactions: readonly Int32Array[];
  /** Random numbers of a measurement's own, by its name, and by user where it draws for each: the same at each call in a step. */
  random(purpose: string, user?: number): Generator;
}

/** Items that a user has met so far, oldest first. */
export function historyOf({ interactions }: Pick<Population, 'interactions'>, user: number): Int32Array {
  const history = new Int32Array(interactions.length);
  let length = 0;
  for (const step of interactions) if (user < step.length) history[length++] = step[user];
  return history.subarray(0, length);
}
