import { Redis, type Result } from 'ioredis';
import { newUser, type UserStore } from './user-state.js';

/** Replaces a user's state where its version is the one that was read. */
const replaceScript = `
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', version + 1, 'state', ARGV[2])
return 1
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    replaceUser(key: string, version: number, state: string): Result<number, Context>;
  }
}

/**
 * Users' states in Redis, for several replicas of the service: each user is a hash with a version and a state as JSON.
 *
 * @param url     such as `redis://localhost:6379/0`
 * @param prefix  that keys begin with, so that services can share a database
 * @param onError told what goes wrong with the connection, which is opened again by itself
 * @throws Error when the server cannot be reached
 */
export async function openRedisStore(
  url: string,
  { prefix = 'codebeam:user:', onError = () => {} }: { prefix?: string; onError?: (error: Error) => void } = {},
): Promise<UserStore> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 2,
    commandTimeout: 2000,
    scripts: { replaceUser: { lua: replaceScript, numberOfKeys: 1 } },
  });
  redis.on('error', onError);
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `serving: Redis must answer at ${withoutPassword(url)}, got ${reason}; start it, or keep state in lmdb`,
      {
        cause,
      },
    );
  }
  return {
    async read(user) {
      const [version, state] = await redis.hmget(prefix + user, 'version', 'state');
      return version && state ? { state: JSON.parse(state), version: Number(version) } : { state: newUser, version: 0 };
    },
    async replace(user, state, version) {
      return (await redis.replaceUser(prefix + user, version, JSON.stringify(state))) === 1;
    },
    async check() {
      await redis.ping();
    },
    async close() {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}

const withoutPassword = (url: string) => url.replace(/\/\/[^@/]*@/, '//');
