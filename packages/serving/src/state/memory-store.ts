import { newUser, type UserState, type UserStore } from './user-state.js';

/** Users' states in this process, gone when it ends: for tests and experiments. */
export function createMemoryStore(): UserStore {
  const users = new Map<string, { state: UserState; version: number }>();
  return {
    read: async (user) => users.get(user) ?? { state: newUser, version: 0 },
    async replace(user, state, version) {
      if ((users.get(user)?.version ?? 0) !== version) return false;
      users.set(user, { state, version: version + 1 });
      return true;
    },
    async check() {},
    async close() {},
  };
}
