import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Database, open } from 'lmdb';
import { newUser, type UserState, type UserStore } from './user-state.js';

/**
 * Users' states in a file of this machine, which several processes may have open. What was replaced survives the end of the process;
 * it reaches the disk a moment later.
 *
 * @param path  of the file; folders on the way are made
 * @throws Error where the file cannot be opened
 */
export function openLmdbStore(path: string): UserStore {
  const users = openFile(path);
  return {
    async read(user) {
      const entry = users.getEntry(user);
      return entry ? { state: entry.value, version: entry.version! } : { state: newUser, version: 0 };
    },
    async replace(user, state, version) {
      if (version > 0) return users.put(user, state, version + 1, version);
      return users.ifNoExists(user, () => void users.put(user, state, 1));
    },
    async check() {
      users.get('');
    },
    close: () => users.close(),
  };
}

function openFile(path: string): Database<UserState, string> {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return open({ path, useVersions: true, noSubdir: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `serving: state must be writable at ${path}, got ${reason}; name another file, or keep it in memory`,
      {
        cause,
      },
    );
  }
}
