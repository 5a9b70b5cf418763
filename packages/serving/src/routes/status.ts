import { z } from 'zod';
import type { Service } from '../create-app.js';
import type { ServiceContext } from '../service-context.js';

const statusSchema = z.object({ status: z.string(), reason: z.string().optional() });

/** Whether the service lives, whether it should be given requests, and what it has counted. */
export function addStatusRoutes(app: Service, { store, metrics, isClosing, onError }: ServiceContext): void {
  const config = { isOpen: true, rateLimit: false } as const;

  app.get(
    '/health',
    { config, schema: { summary: 'Whether the service answers at all', response: { 200: statusSchema } } },
    async () => ({ status: 'alive' }),
  );

  app.get(
    '/ready',
    {
      config,
      schema: {
        summary: 'Whether the service should be sent requests',
        response: { 200: statusSchema, 503: statusSchema },
      },
    },
    async (_, reply) => {
      if (isClosing()) return reply.code(503).send({ status: 'stopping' });
      try {
        await store.check();
      } catch (error) {
        onError(error);
        return reply.code(503).send({ status: 'not ready', reason: "users' states cannot be reached" });
      }
      return { status: 'ready' };
    },
  );

  app.get('/metrics', { schema: { summary: 'Counters and times, for Prometheus' } }, async (_, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  app.get('/openapi.json', { config, schema: { hide: true } }, async () => app.swagger());
}
