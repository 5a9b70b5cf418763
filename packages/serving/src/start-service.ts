import { resolve } from 'node:path';
import { type Catalogue, makeCatalogue } from '@codebeam/simulation';
import { analyseInThread } from './analyse-log.js';
import type { Service } from './create-app.js';
import { createService } from './create-service.js';
import { type EventLog, openEventLog } from './event-log.js';
import type { ModelSource } from './model-slot.js';
import type { ServeConfig } from './serve-config.js';
import { sessionPolicies } from './session-policies.js';
import { startModelProcess } from './start-model-process.js';
import { openLmdbStore } from './state/lmdb-store.js';
import { createMemoryStore } from './state/memory-store.js';
import { openRedisStore } from './state/redis-store.js';
import type { UserStore } from './state/user-state.js';

export interface StartOptions {
  /** That the config's paths start from; the working folder where it is left out. */
  folder?: string;
  apiKey?: string;
  /** Told in a line what happened beside the requests. */
  report?: (line: string) => void;
}

/**
 * Opens the stores, loads the checkpoints and listens.
 *
 * @returns the service, and where it listens
 * @throws Error when a checkpoint does not load, a store cannot be opened or the port is taken; nothing is left open
 */
export async function startService(
  config: ServeConfig,
  { folder = '.', apiKey, report = console.error }: StartOptions = {},
): Promise<{ service: Service; url: string }> {
  const { host, port, models, log: logging, rateLimit, batching, watchSeconds, trustProxy, seed, experiments } = config;
  const at = (path: string) => resolve(folder, path);
  const onError = (error: unknown) => report(error instanceof Error ? (error.stack ?? error.message) : String(error));

  const sources = Object.entries(models).map(([name, { checkpoint, ...how }]): [string, ModelSource] => {
    const options = Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined));
    const onRestart = (reason: string) => report(`${name} was started again: ${reason}`);
    return [name, (other = checkpoint) => startModelProcess(at(other), { ...options, onRestart })];
  });
  const catalogue = config.catalogue && (await makeCatalogue(config.catalogue, at));
  const store = await openStore(config.state, at, report);
  let log: EventLog | undefined;
  let service: Service;
  try {
    log = logging && (await openEventLog(at(logging.folder), logging));
    service = await createService({
      models: Object.fromEntries(sources),
      store,
      batching,
      watchSeconds,
      trustProxy,
      seed,
      onError,
      report,
      sessions: (playedBy) => sessionPolicies(config, catalogue, { playedBy, pathOf: at }),
      ...(catalogue && { describeTrack: describeTracks(catalogue) }),
      ...(log && { log }),
      ...(log && experiments.length > 0 && { analyse: analyseInThread(experiments) }),
      ...(rateLimit && { rateLimit }),
      ...(apiKey !== undefined && { apiKey }),
    });
  } catch (error) {
    await log?.close();
    await store.close();
    throw error;
  }
  try {
    await service.listen({ host, port });
  } catch (cause) {
    await service.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`serving: ${host}:${port} must be free to listen at, got ${reason}; choose another port`, {
      cause,
    });
  }
  return { service, url: urlOf(service, host) };
}

async function openStore(
  state: ServeConfig['state'],
  at: (path: string) => string,
  report: (line: string) => void,
): Promise<UserStore> {
  switch (state.store) {
    case 'lmdb':
      return openLmdbStore(at(state.path));
    case 'redis': {
      const { url, prefix } = state;
      return openRedisStore(url, { prefix, onError: (error) => report(`Redis: ${error.message}`) });
    }
    case 'memory':
      return createMemoryStore();
    default:
      throw new Error(`internal: serving: store ${state satisfies never}`);
  }
}

function describeTracks({ numTracks, titles, artists, artistNames, genres, genreNames }: Catalogue) {
  return (track: number) =>
    track < numTracks
      ? { title: titles[track], artist: artistNames[artists[track]], genre: genreNames[genres[track]] }
      : undefined;
}

/** As somebody on this machine reaches it. */
function urlOf(service: Service, host: string): string {
  const { port } = service.server.address() as { port: number };
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
