import { catalogueSchema, experimentSchema, filePolicySchemas, unknownPolicies } from '@codebeam/simulation';
import { z } from 'zod';

const name = z.string().regex(/^[\w.-]{1,100}$/, 'a name has letters, digits, - and _');

const checkpoint = z.strictObject({
  checkpoint: z
    .string()
    .min(1)
    .describe("folder of a run with a TIGER, or of a saved recommender; from the config's folder"),
  beamWidth: z.int().positive().optional().describe('W of TIGER where a request does not say (50)'),
  precision: z.enum(['float32', 'bfloat16', 'bfloat16x3']).optional().describe("of TIGER's matrix products"),
  threads: z.int().positive().optional().describe('cores for its kernels; CODEBEAM_THREADS, else all'),
  backend: z.string().optional().describe('tensorflow, webgpu, native, wasm or cpu; by default the fastest that works'),
});

/** Where users' states are kept. */
export const stateSchema = z.discriminatedUnion('store', [
  z.strictObject({
    store: z.literal('lmdb'),
    path: z.string().min(1).default('.codebeam/users.mdb').describe('file on this machine'),
  }),
  z.strictObject({
    store: z.literal('redis'),
    url: z
      .string()
      .regex(/^rediss?:\/\//, 'expected redis://host:port/database')
      .default('redis://127.0.0.1:6379'),
    prefix: z.string().default('codebeam:user:').describe('that keys begin with'),
  }),
  z.strictObject({ store: z.literal('memory') }),
]);

const policySchema = z.discriminatedUnion('type', [
  ...filePolicySchemas,
  z.strictObject({ type: z.literal('model'), model: z.string().describe('name under models') }),
]);

/** The service: what `codebeam serve --config` reads. Unknown keys are errors. */
export const serveSchema = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('address to listen at; 0.0.0.0 for all'),
    port: z.int().min(0).max(65_535).default(8080).describe('0 takes a free one'),
    models: z.record(name, checkpoint).describe('checkpoints by name; the first is asked where a request names none'),
    state: stateSchema.prefault({ store: 'lmdb' }),
    catalogue: catalogueSchema
      .optional()
      .describe('tracks of sessions, for policies that need more than a model; items of the first model by default'),
    policies: z.record(name, policySchema).default({}).describe('who may decide what plays next in sessions'),
    policy: z.string().optional().describe('for users outside every experiment; what the first model says by default'),
    experiments: z.array(experimentSchema).default([]).describe('users are split among policies, in each by its name'),
    log: z
      .strictObject({
        folder: z.string().min(1).describe('of data.json and the files before it'),
        maxBytes: z
          .int()
          .positive()
          .default(100 * 2 ** 20)
          .describe('after which a file is put aside'),
        maxFiles: z.int().min(0).default(10).describe('that were put aside and are kept'),
        sync: z
          .boolean()
          .default(false)
          .describe('whether answers wait for the disk: nothing is lost without power either'),
      })
      .optional()
      .describe('events of sessions as JSON lines; without it they are not kept'),
    rateLimit: z
      .strictObject({ requests: z.int().positive(), seconds: z.number().positive().default(1) })
      .optional()
      .describe('of one address'),
    batching: z
      .strictObject({
        maxBatch: z.int().positive().default(32).describe('requests that a model answers at a time'),
        maxWaitMs: z.number().min(0).default(2).describe('that a request waits for others'),
        maxQueue: z.int().positive().default(1000).describe('requests that may wait; more are turned away'),
      })
      .prefault({}),
    watchSeconds: z
      .number()
      .min(0)
      .default(0)
      .describe('between looks at whether a checkpoint has changed; 0 never looks'),
    trustProxy: z.boolean().default(false).describe('whether X-Forwarded-For says who asks'),
    seed: z.int().min(0).default(42).describe('of what policies draw'),
  })
  .superRefine(({ models, catalogue, policies, policy, experiments }, context) => {
    const report = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const named = experiments.flatMap(({ treatments }, e) =>
      treatments.map((name, i) => ({ name, path: ['experiments', e, 'treatments', i] })),
    );
    const usual = policy === undefined ? [] : [{ name: policy, path: ['policy'] }];
    for (const { path, message } of unknownPolicies(policies, [...usual, ...named])) report(path, message);
    for (const [name, one] of Object.entries(policies)) {
      if (one.type !== 'model') {
        if (!catalogue)
          report(['policies', name], 'expected a catalogue beside it to play from; add the key catalogue');
      } else if (!Object.hasOwn(models, one.model)) {
        report(['policies', name, 'model'], `expected a model: ${Object.keys(models).join(', ')}`);
      }
    }
    const names = experiments.map(({ name }) => name);
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) < i) report(['experiments', i, 'name'], 'expected a name that no other experiment has');
    }
  });

export type ServeConfig = z.output<typeof serveSchema>;
