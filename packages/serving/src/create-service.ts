import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Policy } from '@codebeam/simulation';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type RawServerDefault,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { type BatchOptions, QueueFullError } from './batch-requests.js';
import type { EventLog } from './event-log.js';
import type { AnalyseLog, Experiment } from './experiments.js';
import { createMetrics, type Metrics } from './metrics.js';
import { modelPolicy } from './model-policy.js';
import { createModelSlot, type ModelSlot, type ModelSource } from './model-slot.js';
import { parseJson } from './parse-json.js';
import { RequestError } from './request-error.js';
import { addAdminRoutes } from './routes/admin.js';
import { addExperimentRoutes } from './routes/experiments.js';
import { addItemRoutes } from './routes/items.js';
import { addPageRoutes } from './routes/page.js';
import { addRecommendRoutes } from './routes/recommend.js';
import { addSessionRoutes } from './routes/sessions.js';
import { addStatusRoutes } from './routes/status.js';
import { createMemoryStore } from './state/memory-store.js';
import type { UserStore } from './state/user-state.js';
import { watchCheckpoint } from './watch-checkpoint.js';

export interface ServiceOptions {
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
  /** Asked of everybody but for the page, `/health`, `/ready` and `/openapi.json`. Without one `/admin` answers nobody. */
  apiKey?: string;
  /** Requests of one address in so many seconds; without it there is no limit. */
  rateLimit?: { requests: number; seconds: number };
  batching?: Partial<BatchOptions>;
  limits?: Partial<Limits>;
  /** Of the random numbers of policies. */
  seed?: number;
  /** Whether a proxy says who asks (`X-Forwarded-For`). */
  trustProxy?: boolean;
  /** Told what went wrong inside. */
  onError?: (error: unknown) => void;
  /** Told in a line what happened beside the requests. */
  report?: (line: string) => void;
  /** Seconds between looks at whether a checkpoint has changed, upon which it is reloaded; 0, the default, never looks. */
  watchSeconds?: number;
}

/** The policy that plays what a served model recommends. */
export type PlayedBy = (model: string) => Policy;

export interface SessionPolicies {
  /** What plays next for users whom no experiment gives another policy; the first model where it is left out. */
  policy?: Policy;
  experiments?: readonly Experiment[];
}

/** The most that a request may ask for, and what is kept of a user. */
export interface Limits {
  k: number;
  beamWidth: number;
  history: number;
  /** Items of a filter. */
  filter: number;
  bodyBytes: number;
  /** Tracks of a user that are kept, and of a session. */
  listened: number;
  session: number;
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

const longestRequestMs = 30_000;

/** The service as a Fastify instance: `listen`, `inject`, `close`. */
export type Service = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes share. */
export interface ServiceContext
  extends Pick<ServiceOptions, 'describeTrack' | 'analyse' | 'log'>,
    Required<SessionPolicies> {
  slots: ReadonlyMap<string, ModelSlot>;
  /** @throws RequestError 404 when there is no such model */
  slotOf(name?: string): ModelSlot;
  store: UserStore;
  metrics: Metrics;
  limits: Limits;
  seed: number;
  isClosing(): boolean;
  onError: (error: unknown) => void;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a key, however often. */
    isOpen?: boolean;
    /** Answers only where a key is configured. */
    isAdmin?: boolean;
  }
}

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
  const { models, apiKey, store = createMemoryStore(), log, seed = 42, onError = console.error } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const slotOf = (name = Object.keys(models)[0]) => {
    const slot = slots.get(name);
    if (slot) return slot;
    throw new RequestError(404, `model must be one of ${[...slots.keys()].join(', ')}, got ${name}`);
  };
  const playedBy: PlayedBy = (model) => modelPolicy(slotOf(model));
  const played = await options.sessions?.(playedBy);

  const app = createApp(options, limits);
  const handlersAreDone = countHandlers(app);
  let isClosing = false;
  const context: ServiceContext = {
    ...options,
    slots,
    slotOf,
    policy: played?.policy ?? modelPolicy(slotOf()),
    experiments: played?.experiments ?? [],
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
  app.setErrorHandler((error: FastifyError, _, reply) => answerError(error, reply, onError));
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'no such route; /openapi.json lists them' }));
  app.addHook('onRequest', async (request) => {
    const { isOpen = false, isAdmin = false } = request.routeOptions.config;
    if (isAdmin && apiKey === undefined) {
      throw new RequestError(403, 'the service must have an API key before it can be administered; start it with one');
    }
    if (isOpen || apiKey === undefined || request.routeOptions.url === undefined) return;
    const given = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer /i, '');
    if (typeof given !== 'string' || !isSame(given, apiKey)) {
      throw new RequestError(401, 'the API key must be given, as X-API-Key or as a bearer token');
    }
  });
  if (options.rateLimit) {
    const { requests, seconds } = options.rateLimit;
    await app.register(rateLimit, {
      max: requests,
      timeWindow: seconds * 1000,
      errorResponseBuilder: (_, { after }) =>
        new RequestError(429, `requests must be at most ${requests} in ${seconds} s; try again in ${after}`),
    });
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Codebeam',
        description: 'Lists of items by generative retrieval and other recommenders, and sessions of an A/B test.',
        version: '1',
      },
      ...(apiKey !== undefined && {
        components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-api-key' } } },
        security: [{ key: [] }],
      }),
    },
    transform: jsonSchemaTransform,
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

function createApp({ trustProxy = false }: ServiceOptions, { bodyBytes }: Limits): Service {
  const app = fastify({
    bodyLimit: bodyBytes,
    trustProxy,
    requestTimeout: longestRequestMs,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1000 },
    frameworkErrors: (error, _, reply) => void (reply as FastifyReply).code(400).send({ error: error.message }),
    clientErrorHandler(error, socket) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      const body = JSON.stringify({ error: 'the request must be HTTP' });
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  // What routes answer is checked by the compiler already.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    parseJson(body),
  );
  return app;
}

/**
 * Counts handlers that run: Fastify waits for connections only, and a caller who hangs up does not end what was begun.
 *
 * @returns waits until none does, or for as long as a request may take
 */
function countHandlers(app: Service): () => Promise<void> {
  let running = 0;
  let onIdle = () => {};
  const end = () => {
    if (--running === 0) onIdle();
  };
  app.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function count(...asked) {
      running++;
      const answer: unknown = handler.apply(this, asked);
      if (answer instanceof Promise) answer.then(end, end);
      else end();
      return answer;
    };
  });
  return () =>
    new Promise((resolve) => {
      if (running === 0) return resolve();
      onIdle = resolve;
      setTimeout(resolve, longestRequestMs).unref(); // a model that hangs does not keep the service from ending
    });
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

/** One sentence for what the caller can mend; of what they cannot, only that it happened. */
function answerError(error: FastifyError, reply: FastifyReply, onError: (error: unknown) => void): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [{ instancePath, message }] = error.validation;
    const at = instancePath.slice(1).replaceAll('/', '.');
    return reply.code(400).send({ error: `${at === '' ? error.validationContext : at} must be valid: ${message}` });
  }
  if (error instanceof QueueFullError) {
    return reply.code(503).header('retry-after', '1').send({ error: error.message });
  }
  const { statusCode = 500, message } = error;
  if (statusCode >= 400 && statusCode < 500) return reply.code(statusCode).send({ error: message });
  onError(error);
  return reply.code(500).send({ error: 'the service failed; its log says why' });
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const isSame = (given: string, expected: string) => timingSafeEqual(digest(given), digest(expected));
