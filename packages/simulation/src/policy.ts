import type { Generator } from '@codebeam/random';

/** One listener's turn: what was played last, and what the policy wrote down about the listener the time before. */
export interface Turn {
  user: number;
  /** The track that was played last, and the share of it that was listened to, 0 to 1. */
  track: number;
  time: number;
  /** Tracks of this session so far in the order they were played, `track` the last. Grows as the session goes on: copy what is kept. */
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
  /** Seconds that the answer took, where that differs from turn to turn. */
  latency?: number;
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
  /** Told of the last track of each session that has ended: for a policy that is asked elsewhere, where a log is kept. */
  last?(turns: readonly Turn[]): void | Promise<void>;
}

/**
 * A policy that looks at one turn at a time.
 *
 * @param fallback  decides the turns for which `choose` has nothing
 */
export function choiceOfEach(name: string, choose: (turn: Turn) => Choice): Policy;
export function choiceOfEach(name: string, choose: (turn: Turn) => Choice | undefined, fallback: Policy): Policy;
export function choiceOfEach(name: string, choose: (turn: Turn) => Choice | undefined, fallback?: Policy): Policy {
  return {
    name,
    next(turns) {
      const choices = turns.map(choose);
      return fallback && choices.includes(undefined)
        ? completeChoices(turns, choices, fallback)
        : (choices as Choice[]);
    },
  };
}

/** The choices, and those of `fallback` for turns that have none. */
export async function completeChoices(
  turns: readonly Turn[],
  choices: readonly (Choice | undefined)[],
  fallback: Policy,
): Promise<readonly Choice[]> {
  const open = turns.filter((_, at) => choices[at] === undefined);
  if (open.length === 0) return choices as readonly Choice[];
  const others = (await askPolicy(fallback, open)).values();
  return choices.map((choice) => choice ?? others.next().value!);
}

/**
 * What a policy says about turns.
 *
 * @throws RangeError when that is not a choice for each
 */
export async function askPolicy(policy: Policy, turns: readonly Turn[]): Promise<readonly Choice[]> {
  const choices = await policy.next(turns);
  if (choices.length === turns.length) return choices;
  throw new RangeError(
    `simulation: policy ${policy.name} must choose a track for each of ${turns.length} turns, got ${choices.length}; return as many, in their order`,
  );
}
