import { z } from 'zod';
import type { ListAnswer, ListRequest } from '../answer-requests.js';
import type { Catalogue } from '../catalogue.js';
import type { Service } from '../create-app.js';
import type { ModelVersion } from '../model-slot.js';
import { RequestError } from '../request-error.js';
import type { ServiceContext } from '../service-context.js';
import { currentState } from '../state/user-state.js';
import { describeItem } from './items.js';

const idSchema = z.union([z.string().min(1).max(200), z.int().transform(String)]);

const recommendedSchema = z.object({
  item: z.string(),
  title: z.string().optional(),
  brand: z.string().optional(),
  score: z.number().describe('comparable within the list only; of TIGER the log-probability of the semantic ID'),
  codes: z.array(z.int()).optional().describe('of TIGER: the semantic ID, code by code'),
  prefixScores: z.array(z.number()).optional().describe('of TIGER: log-probability of the ID up to each code'),
});

/** Lists for histories and users, and which models there are. */
export function addRecommendRoutes(app: Service, context: ServiceContext): void {
  const { slots, slotOf, store, tracks, limits } = context;
  const items = z.array(idSchema).max(limits.filter);

  app.post(
    '/recommend',
    {
      schema: {
        summary: 'The best items for a history, or for a user',
        body: z.strictObject({
          model: z.string().optional().describe('the first model where it is left out'),
          history: z.array(idSchema).max(limits.history).optional().describe('ids of items, oldest first'),
          user: idSchema
            .optional()
            .describe(
              'alone: whose sessions here, or else whose history in training, is the history; beside a history: whose it is',
            ),
          k: z.int().min(1).max(limits.k).default(10),
          beamWidth: z
            .int()
            .min(1)
            .max(limits.beamWidth)
            .optional()
            .describe('of TIGER; wider finds more, and is slower'),
          keepHistory: z.boolean().default(false).describe('whether items of the history may be listed again'),
          exclude: items.optional().describe('items that must not be listed'),
          only: items.optional().describe('the only items that may be listed'),
          category: z
            .string()
            .max(500)
            .optional()
            .describe('list items of it only: a name, or a path (Hair Care > Styling)'),
          skipUnknown: z
            .boolean()
            .default(false)
            .describe('whether items that the model does not know are passed over'),
        }),
        response: {
          200: z.object({
            model: z.string(),
            version: z.int().describe('counts the checkpoints that the model was loaded from'),
            recommendations: z.array(recommendedSchema),
            unknown: z.array(z.string()).optional().describe('items of the history that were passed over'),
          }),
        },
      },
    },
    ({ body }) => {
      const slot = slotOf(body.model);
      return slot.use(async (version) => {
        const { catalogue } = version.model;
        const { history, unknown } = await historyOf(body, catalogue);
        const allowed = allowedItems(body, catalogue);
        const blocked = body.exclude && knownItems(body.exclude, catalogue);
        const answer = await version.batcher.ask({
          ...(history && { history }),
          ...(body.user !== undefined && { user: body.user }),
          k: body.k,
          ...(body.beamWidth !== undefined && { beamWidth: body.beamWidth }),
          keepHistory: body.keepHistory,
          ...(blocked && { blocked }),
          ...(allowed && { allowed }),
        } satisfies ListRequest);
        if ('refused' in answer) throw new RequestError(400, answer.refused);
        return {
          model: slot.name,
          version: version.number,
          recommendations: describeList(version, answer),
          ...(unknown.length > 0 && { unknown }),
        };
      });
    },
  );

  app.get(
    '/models',
    {
      schema: {
        summary: 'Models, the usual one first',
        response: {
          200: z.object({
            models: z.array(
              z.object({
                name: z.string(),
                kind: z.string(),
                parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
                numItems: z.int(),
                knowsUsers: z.boolean(),
                beamWidth: z.int().optional(),
                sizes: z.array(z.int()).optional().describe('of TIGER: how many codes each position of an ID has'),
                checkpoint: z.string().optional(),
                version: z.int(),
                loadedAt: z.iso.datetime(),
                previousVersion: z.int().optional().describe('what a rollback goes back to'),
              }),
            ),
          }),
        },
      },
    },
    async () => ({
      models: Array.from(slots.values(), ({ name, current, previous }) => {
        const { sizes, parameters, ...about } = current.model.about;
        return {
          name,
          ...about,
          parameters: { ...parameters },
          ...(sizes && { sizes: [...sizes] }),
          version: current.number,
          loadedAt: current.loadedAt.toISOString(),
          ...(previous && { previousVersion: previous.number }),
        };
      }),
    }),
  );

  /** The history that a request gives, or what the user's sessions were; none where only the model may know. */
  async function historyOf(
    { history, user, skipUnknown }: { history?: string[] | undefined; user?: string | undefined; skipUnknown: boolean },
    catalogue: Catalogue,
  ): Promise<{ history?: Int32Array; unknown: string[] }> {
    if (history) {
      const known: number[] = [];
      const unknown: string[] = [];
      for (const id of history) {
        const item = catalogue.find(id);
        if (item === undefined) unknown.push(id);
        else known.push(item);
      }
      if (unknown.length > 0 && !skipUnknown) {
        throw new RequestError(
          400,
          `history must hold items of the model, got ${unknown[0]}; skipUnknown passes over those that are not`,
        );
      }
      return { history: Int32Array.from(known), unknown };
    }
    if (user === undefined) return { unknown: [] };
    const { listened } = currentState((await store.read(user)).state, tracks.numbering);
    const items = listened.flatMap((track) => tracks.itemOf(track, catalogue) ?? []);
    return { ...(items.length > 0 && { history: Int32Array.from(items) }), unknown: [] };
  }
}

const knownItems = (ids: readonly string[], catalogue: Catalogue) =>
  Int32Array.from(ids.flatMap((id) => catalogue.find(id) ?? []));

function allowedItems(
  { only, category }: { only?: string[] | undefined; category?: string | undefined },
  catalogue: Catalogue,
): Int32Array | undefined {
  const named = only && knownItems(only, catalogue);
  if (category === undefined) return named;
  const inCategory = catalogue.inCategory(category);
  if (inCategory.length === 0) {
    throw new RequestError(400, `category must be one of the items', got ${category}; GET /items/:id says an item's`);
  }
  if (!named) return inCategory;
  const isInCategory = new Set(inCategory);
  return named.filter((item) => isInCategory.has(item));
}

function describeList({ model }: ModelVersion, { items, scores, prefixScores }: ListAnswer) {
  return Array.from(items, (item, place) => {
    const described = describeItem(model, item, 'brief');
    const positions = described.codes?.length ?? 0;
    return {
      ...described,
      score: scores[place],
      ...(prefixScores && {
        prefixScores: Array.from(prefixScores.subarray(place * positions, (place + 1) * positions)),
      }),
    };
  });
}
