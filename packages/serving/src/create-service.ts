import type { BatchOptions } from './batch-requests.js';
import { type AppOptions, createApp, type Service } from './create-app.js';
import type { EventLog } from './event-log.js';
import type { AnalyseLog } from './experiments.js';
import { createMetrics, type Metrics } from './metrics.js';
import { modelPolicy } from './model-policy.js';
import { createModelSlot, type ModelSlot, type ModelSource } from './model-slot.js';
import { RequestError } from './request-error.js';
import { addAdminRoutes } from './routes/admin.js';
import { addExperimentRoutes } from './routes/experiments.js';
import { addItemRoutes } from './routes/items.js';
import { addPageRoutes } from './routes/page.js';
import { addRecommendRoutes } from './routes/recommend.js';
import { addSessionRoutes } from './routes/sessions.js';
import { addStatusRoutes } from './routes/status.js';
import type { Limits, PlayedBy, ServiceContext, SessionPolicies } from './service-context.js';
import { createMemoryStore } from './state/memory-store.js';
import type { UserStore } from './state/user-state.js';
import { numberTracks } from './track-numbers.js';
import { watchCheckpoint } from './watch-checkpoint.js';

export interface ServiceOptions extends Omit<AppOptions, 'bodyBytes' | 'onError'> {
  /** Models by name, the first of which is asked where a request names none. */
  models: Readonly<Record<string, ModelSource>>;
  /** Who plays what in sessions; the first model plays for everybody where it is left out. */
  sessions?: (playedBy: PlayedBy) => SessionPolicies | Promise<SessionPolicies>;
  /** What `GET /track/:id` says of a track; items of the first model where it is left out. */
  describeTrack?: (track: number) => object | undefined;
  /** Reads the log for `GET /experiments` and the page. */
  analyse?: AnalyseLog;
  /** Closed with the service. In memory where it is left out. */
  store?: UserStore;
  /** Closed with the service. Events are not kept where it is left out. */
  log?: EventLog;
  batching?: Partial<BatchOptions>;
  limits?: Partial<Limits>;
  /** Of the random numbers of policies. */
  seed?: number;
  /** Told what went wrong inside. */
  onError?: AppOptions['onError'];
  /** Told in a line what happened beside the requests. */
  report?: (line: string) => void;
  /** Seconds between looks at whether a checkpoint has changed, upon which it is reloaded; 0, the default, never looks. */
  watchSeconds?: number;
}

const defaultLimits: Limits = {
  k: 200,
  beamWidth: 200,
  history: 1000,
  filter: 10_000,
  bodyBytes: 2 ** 20,
  listened: 200,
  session: 1000,
};
const defaultBatching: BatchOptions = { maxBatch: 32, maxWaitMs: 2, maxQueue: 1000 };

/**
 * Loads the models and makes the service. Nothing listens yet.
 *
 * @throws RangeError when there is no model, or experiments do not fit
 */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { models, batching } = options;
  if (Object.keys(models).length === 0) {
    throw new RangeError('serving: models must be at least one, got none; name a checkpoint');
  }
  const slots = new Map<string, ModelSlot>();
  const metrics = createMetrics(slots);
  const loading = await Promise.allSettled(
    Object.entries(models).map(([name, source]) =>
      createModelSlot(name, source, { ...defaultBatching, ...batching }, (size, seconds) =>
        metrics.batch(name, size, seconds),
      ),
    ),
  );
  for (const result of loading) if (result.status === 'fulfilled') slots.set(result.value.name, result.value);
  try {
    const failed = loading.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return await serveModels(slots, metrics, options);
  } catch (error) {
    await closeAll(slots);
    throw error;
  }
}

const closeAll = (slots: ReadonlyMap<string, ModelSlot>) =>
  Promise.all(Array.from(slots.values(), (slot) => slot.close()));

async function serveModels(
  slots: ReadonlyMap<string, ModelSlot>,
  metrics: Metrics,
  options: ServiceOptions,
): Promise<Service> {
  const { store = createMemoryStore(), log, seed = 42, onError = console.error } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const slotOf = (name = [...slots.keys()][0]) => {
    const slot = slots.get(name);
    if (slot) return slot;
    throw new RequestError(404, `model must be one of ${[...slots.keys()].join(', ')}, got ${name}`);
  };
  const tracks = numberTracks(() => slotOf().current.model.catalogue);
  const playedBy: PlayedBy = (model) => modelPolicy(slotOf(model), tracks);
  const played = await options.sessions?.(playedBy);

  const { app, handlersAreDone } = await createApp({ ...options, bodyBytes: limits.bodyBytes, onError });
  let isClosing = false;
  const context: ServiceContext = {
    ...options,
    slots,
    slotOf,
    policy: played?.policy ?? modelPolicy(slotOf(), tracks),
    experiments: played?.experiments ?? [],
    tracks,
    store,
    metrics,
    limits,
    seed,
    isClosing: () => isClosing,
    onError,
  };
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onClose', async () => {
    // Whoever has gone away in the meantime may have left a turn half taken.
    await handlersAreDone();
    await log?.close();
    await closeAll(slots);
    await store.close();
  });
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    const route = routeOptions.url ?? 'none';
    metrics.request({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  for (const add of [
    addStatusRoutes,
    addRecommendRoutes,
    addItemRoutes,
    addSessionRoutes,
    addExperimentRoutes,
    addAdminRoutes,
    addPageRoutes,
  ]) {
    add(app, context);
  }
  const { watchSeconds = 0, report = () => {} } = options;
  if (watchSeconds > 0) {
    const watches = Array.from(slots.values(), (slot) => watchSlot(slot, watchSeconds, metrics, report));
    app.addHook('preClose', async () => {
      for (const stop of watches) stop();
    });
  }
  await app.ready();
  return app;
}

/** Reloads a model when its checkpoint has changed. */
function watchSlot(slot: ModelSlot, seconds: number, metrics: Metrics, report: (line: string) => void): () => void {
  const folder = () => slot.current.model.about.checkpoint;
  return watchCheckpoint(folder, seconds, async () => {
    try {
      const { number } = await slot.reload(folder());
      metrics.reload(slot.name, 'loaded');
      report(`${slot.name} was reloaded from ${folder()}: version ${number}`);
    } catch (error) {
      metrics.reload(slot.name, 'failed');
      report(`${slot.name} stays as it was: ${error instanceof Error ? error.message : error}`);
    }
  });
}
