import { z } from 'zod';
import type { Service } from '../create-app.js';
import { RequestError } from '../request-error.js';
import type { ServiceContext } from '../service-context.js';

const versionSchema = z.object({ model: z.string(), version: z.int(), loadedAt: z.iso.datetime() });

/** Another checkpoint in place of the one that is served, and back. */
export function addAdminRoutes(app: Service, { slotOf, metrics }: ServiceContext): void {
  const config = { isAdmin: true } as const;
  const modelSchema = z.string().optional().describe('the first model where it is left out');

  app.post(
    '/admin/reload',
    {
      config,
      schema: {
        summary: 'Loads a checkpoint beside the one that is served, and serves it when it is ready',
        body: z.strictObject({
          model: modelSchema,
          checkpoint: z
            .string()
            .min(1)
            .max(4096)
            .optional()
            .describe('its folder; the configured one where it is left out'),
        }),
        response: { 200: versionSchema },
      },
    },
    async ({ body: { model, checkpoint } }) => {
      const slot = slotOf(model);
      try {
        const { number, loadedAt } = await slot.reload(checkpoint);
        metrics.reload(slot.name, 'loaded');
        return { model: slot.name, version: number, loadedAt: loadedAt.toISOString() };
      } catch (error) {
        metrics.reload(slot.name, 'failed');
        const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
        throw new RequestError(
          422,
          `the checkpoint must be one that loads, got: ${reason}; the old one is still served`,
        );
      }
    },
  );

  app.post(
    '/admin/rollback',
    {
      config,
      schema: {
        summary: 'Serves the version before again',
        body: z.strictObject({ model: modelSchema }),
        response: { 200: versionSchema },
      },
    },
    async ({ body: { model } }) => {
      const slot = slotOf(model);
      if (!slot.previous)
        throw new RequestError(409, `${slot.name} must have been reloaded before it can be rolled back`);
      const { number, loadedAt } = slot.rollBack();
      metrics.reload(slot.name, 'rolled back');
      return { model: slot.name, version: number, loadedAt: loadedAt.toISOString() };
    },
  );
}
