/** What the service remembers of a user. */
export interface UserState {
  /** Tracks of the session under way, in the order they were played. */
  session: readonly number[];
  /** The latest tracks of all sessions, oldest first. */
  listened: readonly number[];
  /** What a policy wrote down about the user, and which one. */
  memory?: { policy: string; value: number };
  /** How many turns the user has had. */
  turns: number;
  /** What numbers of tracks stood for, where that is not for good. */
  numbering?: string;
}

/**
 * Where users' states are kept. A state has a version, and is replaced only by somebody who has seen the latest: so two processes that
 * share a store never lose each other's turns.
 */
export interface UserStore {
  /** Version 0 stands for a user of whom nothing is kept. */
  read(user: string): Promise<{ state: UserState; version: number }>;
  /** @returns false, with nothing changed, where the version is no longer the latest */
  replace(user: string, state: UserState, version: number): Promise<boolean>;
  /** @throws Error where the store cannot be reached */
  check(): Promise<void>;
  close(): Promise<void>;
}

export const newUser: UserState = { session: [], listened: [], turns: 0 };

/** A state as it is now: where its tracks were numbered otherwise, nobody knows what they were. */
export function currentState(state: UserState, numbering: string | undefined): UserState {
  if (state.numbering === numbering) return state;
  return { ...newUser, turns: state.turns, ...(numbering !== undefined && { numbering }) };
}

/** Changes users' states one turn at a time. */
export interface UserUpdates {
  /**
   * @param change  from the state to the next one and whatever the caller wants to know; run again when another process came first,
   *                so it must do nothing else
   */
  update<T>(user: string, change: (state: UserState) => Promise<{ state: UserState; result: T }>): Promise<T>;
}

/** Turns of one user that come at once wait for each other; a version that is stale all the same is read anew. */
export function createUserUpdates(store: UserStore): UserUpdates {
  const last = new Map<string, Promise<unknown>>();

  async function change<T>(
    user: string,
    next: (state: UserState) => Promise<{ state: UserState; result: T }>,
  ): Promise<T> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { state, version } = await store.read(user);
      const { state: changed, result } = await next(state);
      if (await store.replace(user, changed, version)) return result;
    }
    throw new Error(
      `serving: user ${user} must not be changed by others all the time, got ${maxAttempts} stale versions`,
    );
  }

  return {
    update(user, next) {
      const before = last.get(user);
      const turn = before ? before.then(() => change(user, next)) : change(user, next);
      const settled = turn.then(
        () => {},
        () => {},
      );
      last.set(user, settled);
      void settled.then(() => last.get(user) === settled && last.delete(user));
      return turn;
    },
  };
}

/** Far more than processes: of those that try at a time, one succeeds. */
const maxAttempts = 100;
