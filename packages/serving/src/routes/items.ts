import type { Item } from '@codebeam/data';
import { z } from 'zod';
import type { Service } from '../create-app.js';
import type { Model } from '../model.js';
import { RequestError } from '../request-error.js';
import type { ServiceContext } from '../service-context.js';

const itemSchema = z.object({
  item: z.string().describe('id'),
  title: z.string().optional(),
  brand: z.string().optional(),
  categories: z.array(z.array(z.string())).optional().describe('paths through a tree, root first'),
  price: z.number().optional(),
  description: z.string().optional(),
  codes: z.array(z.int()).optional().describe('the semantic ID that TIGER generates for it, code by code'),
});
const modelSchema = z.string().optional().describe('the first model where it is left out');

/** What is known of items, and a search through them. */
export function addItemRoutes(app: Service, { slotOf }: ServiceContext): void {
  app.get(
    '/items/:id',
    {
      schema: {
        summary: 'An item',
        params: z.object({ id: z.string() }),
        querystring: z.object({ model: modelSchema }),
        response: { 200: itemSchema },
      },
    },
    async ({ params: { id }, query }) => {
      const { model } = slotOf(query.model).current;
      const item = model.catalogue.find(id);
      if (item === undefined) throw new RequestError(404, `item must be one of the model's, got ${id}`);
      return describeItem(model, item, 'whole');
    },
  );

  app.get(
    '/items',
    {
      schema: {
        summary: 'Items by id or by words of title and brand, the last of which may be half typed',
        querystring: z.object({
          query: z.string().max(200).default(''),
          limit: z.coerce.number().int().min(1).max(100).default(20),
          model: modelSchema,
        }),
        response: { 200: z.object({ items: z.array(itemSchema) }) },
      },
    },
    async ({ query: { query, limit, model: name } }) => {
      const { model } = slotOf(name).current;
      return { items: model.catalogue.search(query, limit).map((item) => describeItem(model, item, 'brief')) };
    },
  );
}

/** @param extent  brief: what a list shows of an item */
export function describeItem(
  { catalogue, codesOf }: Pick<Model, 'catalogue' | 'codesOf'>,
  item: number,
  extent: 'brief' | 'whole',
): Omit<Item, 'id'> & { item: string; codes?: number[] } {
  const { id, title, brand, ...rest } = catalogue.items[item];
  return {
    item: id,
    ...(title !== undefined && { title }),
    ...(brand !== undefined && { brand }),
    ...(extent === 'whole' && rest),
    ...(codesOf && { codes: codesOf(item) }),
  };
}
