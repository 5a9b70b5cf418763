import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { QueueFullError } from './batch-requests.js';
import { parseJson } from './parse-json.js';
import { RequestError } from './request-error.js';

export interface AppOptions {
  /** Asked of everybody but for the page, `/health`, `/ready` and `/openapi.json`. Without one `/admin` answers nobody. */
  apiKey?: string;
  /** Requests of one address in so many seconds; without it there is no limit. */
  rateLimit?: { requests: number; seconds: number };
  /** Whether a proxy says who asks (`X-Forwarded-For`). */
  trustProxy?: boolean;
  bodyBytes: number;
  /** Told what went wrong inside. */
  onError: (error: unknown) => void;
}

/** The service as a Fastify instance: `listen`, `inject`, `close`. */
export type Service = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without a key, however often. */
    isOpen?: boolean;
    /** Answers only where a key is configured. */
    isAdmin?: boolean;
  }
}

const longestRequestMs = 30_000;

/**
 * Makes the instance that routes are added to: bodies and answers are checked, callers told apart, errors told in a sentence.
 *
 * @returns it, and what waits until no handler runs, or for as long as a request may take
 */
export async function createApp(options: AppOptions): Promise<{ app: Service; handlersAreDone: () => Promise<void> }> {
  const { apiKey, trustProxy = false, bodyBytes, onError } = options;
  if (apiKey === '')
    throw new RangeError('serving: the API key must not be empty, got none; leave it out to ask for none');
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
  const handlersAreDone = countHandlers(app);
  // Fastify lets go of connections that are idle when it begins to close; those of its last answers are kept open by their callers.
  let letGo: NodeJS.Timeout | undefined;
  app.addHook('preClose', async () => {
    letGo = setInterval(() => app.server.closeIdleConnections(), 50);
  });
  app.addHook('onClose', async () => clearInterval(letGo));
  app.setErrorHandler((error: FastifyError, _, reply) => answerError(error, reply, onError));
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'no such route; /openapi.json lists them' }));
  const checkKey = async (request: FastifyRequest) => {
    const { isOpen = false, isAdmin = false } = request.routeOptions.config;
    if (isAdmin && apiKey === undefined) {
      throw new RequestError(403, 'the service must have an API key before it can be administered; start it with one');
    }
    if (isOpen || apiKey === undefined) return;
    const given = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer /i, '');
    if (typeof given !== 'string' || !isSame(given, apiKey)) {
      throw new RequestError(401, 'the API key must be given, as X-API-Key or as a bearer token');
    }
  };
  if (options.rateLimit) {
    const { requests, seconds } = options.rateLimit;
    await app.register(rateLimit, {
      max: requests,
      timeWindow: seconds * 1000,
      errorResponseBuilder: (_, { after }) =>
        new RequestError(429, `requests must be at most ${requests} in ${seconds} s; try again in ${after}`),
    });
  }
  // After the limit, so that wrong keys count, too.
  app.addHook('onRoute', (route) => {
    route.onRequest = [route.onRequest ?? [], checkKey].flat();
  });
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
  return { app, handlersAreDone };
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
      let answer: unknown;
      try {
        answer = handler.apply(this, asked);
        return answer;
      } finally {
        if (answer instanceof Promise) answer.then(end, end);
        else end();
      }
    };
  });
  return () =>
    new Promise((resolve) => {
      if (running === 0) return resolve();
      onIdle = resolve;
      setTimeout(resolve, longestRequestMs).unref(); // a model that hangs does not keep the service from ending
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
