import {
  filterSchema,
  interactionMapSchema,
  itemMapSchema,
  itemTextSchema,
  sequenceTableSchema,
  splitSchema,
  tfidfSvdSchema,
  transformersEncoderSchema,
} from '@codebeam/data';
import { judgementSchema } from '@codebeam/eval';
import { coOccurrenceSchema, recommenderModels, sasrecSchema, sasrecTrainingSchema } from '@codebeam/recommenders';
import { rqvaeSchema } from '@codebeam/rqvae';
import {
  cataloguePolicyTypes,
  experimentSchema as comparedTreatments,
  listPolicyTypes,
  planSchema,
} from '@codebeam/simulation';
import { type TigerConfig, tigerSchema } from '@codebeam/tiger';
import {
  endlessness,
  historiesContradiction,
  rqvaeTrainingSchema,
  runSettings,
  tigerTrainingSchema,
} from '@codebeam/trainers';
import { z } from 'zod';

/** Sections of a config file that override its recipe: `--smoke` and so on, Nx configurations of the same names. */
export const variants = ['smoke', 'paper', 'sample'] as const;
export type Variant = (typeof variants)[number];

const file = z
  .string()
  .regex(/^[^/\\]+$/, 'expected a file name without folders')
  .describe('in the folder of raw files, plain or gzip; found with .gz after its name or without');

const interactionsReaders = [
  z.strictObject({ type: z.literal('amazon'), file }).describe('reviews of 2014, 2018 or 2023'),
  z.strictObject({ type: z.literal('recbole'), file }).describe('an .inter file'),
  z.strictObject({ type: z.literal('s3rec'), file }).describe('a line per user: user item item ...'),
  z.strictObject({ type: z.literal('session-lines'), file }).describe('a line per session: item item ...'),
  sequenceTableSchema
    .extend({ type: z.literal('sequence-table'), file })
    .describe('a row per user, with all items in one column'),
  interactionMapSchema.extend({ type: z.literal('table'), file }).describe('CSV, TSV, JSONL or Parquet'),
] as const;
const interactionsFile = z.discriminatedUnion('type', interactionsReaders);
/** One file of interactions, and how to read it. */
export type InteractionsFile = z.output<typeof interactionsFile>;
const presplitFiles = z
  .strictObject({
    type: z.literal('presplit'),
    train: interactionsFile,
    validation: interactionsFile.optional(),
    test: interactionsFile,
  })
  .describe('parts that others made, for protocol.split of type given');
const itemsFile = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('amazon'), file }).describe('metadata of 2014, 2018 or 2023'),
  z.strictObject({ type: z.literal('recbole'), file }).describe('an .item file'),
  itemMapSchema.extend({ type: z.literal('table'), file }).describe('CSV, TSV, JSONL or Parquet'),
]);
export const layoutSchema = z.strictObject({
  interactions: z.discriminatedUnion('type', [...interactionsReaders, presplitFiles]),
  items: itemsFile.optional(),
  embeddings: file.optional().describe('vectors for embed-items with encoder precomputed'),
  embeddingIds: file.optional().describe('item ids of the rows of embeddings, one a line, where that file holds none'),
  recommendations: z.array(file).default([]).describe("other systems' lists, which the model proxy reads"),
});
/** A set of raw files that belong together. */
export type Layout = z.output<typeof layoutSchema>;

/** Where raw data come from, and in which files. */
const fetchDataSchema = z
  .strictObject({
    layouts: z
      .array(layoutSchema)
      .default([])
      .describe('sets of files that will do; the first that is complete is read'),
    downloads: z
      .array(
        z.strictObject({
          file,
          url: z.url(),
          bytes: z.int().positive().optional(),
          sha256: z.string().length(64).optional(),
        }),
      )
      .default([])
      .describe('where the files of the first layout can be had'),
    synthetic: z
      .strictObject({
        users: z.int().positive().default(1200),
        lines: z.int().min(2).default(20).describe('product lines'),
        steps: z.int().min(2).default(12).describe('items of a line'),
      })
      .optional()
      .describe('makes the data up, in files as of Amazon 2014, instead of reading any'),
    sessions: z
      .strictObject({
        tracks: z.int().positive().default(3000),
        users: z.int().positive().default(2000),
        episodes: z.int().positive().default(72_000).describe('sessions of all users together'),
      })
      .optional()
      .describe('simulates listeners instead: what they liked of what no model chose'),
  })
  .refine(({ synthetic, sessions }) => !(synthetic && sessions), {
    error: 'expected one kind of made-up data, not both synthetic and sessions',
  })
  .refine(({ layouts, synthetic, sessions }) => layouts.length > 0 || synthetic || sessions, {
    path: ['layouts'],
    error: 'expected one at least, unless data are made up',
  });

const prepareDataSchema = z.strictObject({
  filters: z.array(filterSchema).default([]).describe('cleaning, from first to last, before the k-core'),
  minInteractions: z.int().min(0).default(5).describe('k of the k-core, to a fixed point; paper: 5'),
  duplicates: z
    .enum(['keep', 'first'])
    .default('keep')
    .describe('first: of several rows of one user and item only the earliest counts'),
  ties: z
    .enum(['file', 'shuffled'])
    .default('file')
    .describe("order of a user's interactions of equal time: as in the file, or shuffled by the seed"),
  numbering: z
    .enum(['appearance', 'id'])
    .default('appearance')
    .describe(
      'who and what is number 0: as the file goes, or by id (numbers by size). Equal scores rank the lower number',
    ),
  tolerance: z.number().min(0).max(1).default(0.001).describe('share of unreadable lines that is passed over'),
});

const embedItemsSchema = z.strictObject({
  text: itemTextSchema.prefault({}),
  encoder: z
    .discriminatedUnion('type', [
      tfidfSvdSchema.extend({ type: z.literal('tfidf-svd') }),
      transformersEncoderSchema.extend({ type: z.literal('transformers') }),
      z.strictObject({
        type: z.literal('precomputed'),
        dim: z.int().positive().optional().describe('width to insist on'),
        column: z.string().optional().describe('column or tensor of the vectors'),
        idColumn: z.string().optional().describe('column of the item ids; default id'),
        inItemOrder: z.boolean().optional().describe('rows without ids are in the order of items.parquet'),
      }),
      z.strictObject({
        type: z.literal('random').describe('a control: IDs that carry no meaning'),
        dim: z.int().positive().default(128).describe('E'),
      }),
    ])
    .prefault({ type: 'tfidf-svd' }),
  collaborative: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      "share of SASRec's item embedding in an item's vector, by squared length; 0: what the encoder says alone",
    ),
});

// One seed, one layout of folders, and a stage of its own for the test split: the pipeline decides.
const trainRqvaeSchema = rqvaeTrainingSchema.omit(runSettings);
const trainTigerSchema = tigerTrainingSchema.omit(runSettings).extend({
  validationUsers: z.int().positive().default(1000).describe('users of the validation split, chosen by the seed'),
  validationBeamWidth: z.int().positive().default(10).describe('W while training; evaluate has its own'),
});

const evaluateSchema = z.strictObject({
  ks: z.array(z.int().positive()).min(1).default([1, 5, 10, 20]).describe('cut-offs of the metrics'),
  beamWidth: z.int().positive().default(50).describe('W; a wide beam is the main lever at test time'),
  historyMask: z
    .enum(['on', 'off', 'both'])
    .default('both')
    .describe('keep items of the history out of the lists; both: every model twice'),
  ties: z
    .enum(['config', 'both'])
    .default('both')
    .describe('both: models that are only counted are fitted and tested under the other tie order as well'),
  coOccurrence: coOccurrenceSchema.pick({ window: true, decay: true }).prefault({}),
  hybrid: z
    .strictObject({
      tiger: z.number().min(0).default(0.5),
      sasrec: z.number().min(0).default(0.5),
      coOccurrence: z.number().min(0).default(1),
    })
    .prefault({})
    .describe('weights of the log-probabilities of each; chosen on the validation part of Amazon Beauty'),
  users: z
    .int()
    .min(0)
    .default(0)
    .describe('test users, chosen by the seed, that every model is evaluated on; 0: all of them'),
  bootstrapSamples: z.int().positive().default(1000).describe('resamplings of users behind each 95 % interval'),
  examples: z.int().min(0).default(12).describe('users shown in report.html'),
});

/** Data that come split must be taken as they are split: else models would train on what they are tested on. */
function checkPresplit(layouts: readonly Layout[], split: string | undefined, context: z.RefinementCtx): void {
  for (const [i, { interactions }] of layouts.entries()) {
    if (interactions.type !== 'presplit' || split === 'given') continue;
    const message =
      split === undefined
        ? 'expected interactions in one file: this line leaves the last one out by itself; recommenders are compared on presplit ones'
        : `expected protocol.split of type given for presplit interactions, not ${split}`;
    context.addIssue({ code: 'custom', path: ['fetch-data', 'layouts', i, 'interactions', 'type'], message });
  }
}

/** What each key may be, but not beside the others; the trainers have the same rules. */
function refuseContradictions(
  config: { tiger: TigerConfig; 'train-tiger': z.output<typeof trainTigerSchema> } & Record<
    'train-sasrec' | 'train-rqvae',
    { maxEpochs: number; maxSteps: number }
  >,
  context: z.RefinementCtx,
): void {
  const refuse = (path: string[], message: string | undefined) =>
    message !== undefined && context.addIssue({ code: 'custom', path, message });
  for (const stage of ['train-sasrec', 'train-rqvae', 'train-tiger'] as const) {
    refuse([stage, 'maxEpochs'], endlessness(config[stage]));
  }
  refuse(['train-tiger', 'histories'], historiesContradiction(config.tiger, config['train-tiger']));
}

const generativeSchema = z.strictObject({
  seed: z.int().min(0).default(42).describe('of everything that is drawn'),
  'fetch-data': fetchDataSchema,
  'prepare-data': prepareDataSchema.prefault({}),
  'embed-items': embedItemsSchema.prefault({}),
  rqvae: rqvaeSchema.prefault({}),
  'train-rqvae': trainRqvaeSchema.prefault({}),
  tiger: tigerSchema.prefault({}),
  'train-tiger': trainTigerSchema.prefault({}),
  sasrec: sasrecSchema.prefault({}),
  'train-sasrec': sasrecTrainingSchema.prefault({}),
  evaluate: evaluateSchema.prefault({}),
});
/** One pipeline: the stages' sections and the models'. Unknown keys are errors; defaults stand in the schemas only. */
export const pipelineSchema = generativeSchema.superRefine((config, context) => {
  checkPresplit(config['fetch-data'].layouts, undefined, context);
  refuseContradictions(config, context);
});
export type PipelineConfig = z.output<typeof pipelineSchema>;

/** How recommenders are compared. */
const protocolSchema = z.strictObject({
  split: splitSchema.prefault({ type: 'temporal-holdout', ratio: 0.1 }),
  ...judgementSchema.shape,
  bootstrapSamples: z.int().positive().default(1000).describe('resamplings of users behind each 95 % interval'),
});

/** A model to be fitted: which, under what name if another of its kind is there, and its options. */
type Entry = { model: string; name?: string } & Record<string, unknown>;
const entries = Object.values(recommenderModels).map(({ name, options }) =>
  options.safeExtend({
    model: z.literal(name),
    name: z
      .string()
      .regex(/^[\w.-]+$/)
      .optional(),
  }),
);
const entrySchema = z.discriminatedUnion('model', entries as [(typeof entries)[number]]) as unknown as z.ZodType<Entry>;

const recommendersSchema = z
  .array(entrySchema)
  .min(1)
  .refine((entries) => new Set(entries.map(nameOf)).size === entries.length, {
    error: 'names must differ; give one of two equal models a name',
  });

/** One comparison of recommenders, no TIGER among them. Unknown keys are errors; defaults stand in the schemas only. */
export const comparisonSchema = z
  .strictObject({
    seed: z.int().min(0).default(42).describe('of everything that is drawn'),
    'fetch-data': fetchDataSchema,
    'prepare-data': prepareDataSchema.prefault({}),
    protocol: protocolSchema.prefault({}),
    recommenders: recommendersSchema,
  })
  .superRefine(({ 'fetch-data': { layouts }, protocol }, context) =>
    checkPresplit(layouts, protocol.split.type, context),
  );
export type ComparisonConfig = z.output<typeof comparisonSchema>;

const experimentSection = comparedTreatments.extend({
  treatments: comparedTreatments.shape.treatments
    .default(['sticky-artist', 'indexed-in-order', 'restart-when-bored', 'indexed', 'tiger'])
    .describe(
      `what plays for each part of the users, the control first: ${[...cataloguePolicyTypes, ...listPolicyTypes].join(', ')}, tiger, or a recommender by its name, asked at each turn`,
    ),
  plan: planSchema.optional().describe('what is known of the first metric, for advice on the sample size'),
  against: z.array(z.string()).default([]).describe('treatments that the others are compared with besides the control'),
  lists: z.string().optional().describe('recommender that the lists are of; the first when left out'),
  k: z.int().positive().default(100).describe('tracks of a list'),
  beamWidth: z.int().positive().default(20).describe('W of TIGER'),
  episodes: z.int().positive().default(20_000).describe('sessions of all users together'),
  parallel: z.int().positive().default(64).describe('users who listen at a time'),
});

const { evaluate: _, ...trained } = generativeSchema.shape;

/** One experiment on simulated listeners: TIGER and recommenders, trained on a log of theirs, play for them over HTTP. */
export const experimentSchema = z
  .strictObject({
    ...trained,
    protocol: protocolSchema.prefault({}),
    recommenders: recommendersSchema,
    experiment: experimentSection,
  })
  .superRefine(refuseContradictions)
  .superRefine(({ 'fetch-data': { sessions }, recommenders, experiment }, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const fitted = recommenders.map(nameOf);
    const known = [...cataloguePolicyTypes, ...listPolicyTypes, 'tiger', ...fitted];
    const { treatments, against, lists } = experiment;
    if (!sessions) issue(['fetch-data', 'sessions'], 'expected sizes: listeners of an experiment are simulated');
    for (const [i, name] of fitted.entries()) {
      if (known.indexOf(name) < known.lastIndexOf(name)) {
        issue(['recommenders', i], `expected a name that no policy has, not ${name}`);
      }
    }
    for (const [i, name] of treatments.entries()) {
      const path = ['experiment', 'treatments', i];
      if (!known.includes(name)) issue(path, `expected one of ${known.join(', ')}`);
      else if (treatments.indexOf(name) < i) issue(path, 'expected what no other treatment is');
    }
    for (const [i, name] of against.entries()) {
      if (treatments.slice(1).includes(name)) continue;
      issue(['experiment', 'against', i], `expected one of ${treatments.slice(1).join(', ')}`);
    }
    if (lists !== undefined && !fitted.includes(lists)) {
      issue(['experiment', 'lists'], `expected one of ${fitted.join(', ')}`);
    }
  });
export type ExperimentConfig = z.output<typeof experimentSchema>;

/** A config of any line. */
export type Config = PipelineConfig | ComparisonConfig | ExperimentConfig;

/** What a model to be fitted is called. */
export function nameOf({ model, name = model }: Entry): string {
  return name;
}
