import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SparseMatrix } from '@codebeam/data';
import {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensor,
  type Sequences,
  sequenceOf,
  writeFileAtomically,
} from '@codebeam/data';
import {
  checkRequest,
  emptyRecommendations,
  type Recommendations,
  type Recommender,
  type RecommendOptions,
  writeTopK,
} from '@codebeam/eval';
import { z } from 'zod';

/** What a model is fitted to. */
export interface TrainingData {
  /** Every user's items, oldest first. */
  sequences: Sequences;
  /** N, the size of the catalogue. */
  numItems: number;
  /**
   * Which part of the data `sequences` is. Results tables print it, for it changes them: refitting on the validation
   * item before the test is worth +.012 recall@10 to a count model on Amazon Beauty.
   */
  fittedOn: 'train' | 'train+validation';
  /** What each item of `sequences` was rated. */
  ratings?: Float32Array;
  /** [users] when each one's first row was, for models that read sessions one after another. */
  firstTimes?: Float64Array;
  /** Source ids by row of `sequences`, without which nobody is known by name. */
  userIds?: readonly string[];
  /** Source ids by dense id, which a checkpoint keeps. */
  itemIds?: readonly string[];
  /** [N, F] what items are, for models that look at it. */
  itemFeatures?: SparseMatrix;
  /** [users, F] who users are, for models that look at it. */
  userFeatures?: SparseMatrix;
}

/** What fitting may need besides the data. */
export interface FitContext {
  /** Of initial weights, batch order, dropout and sampling; 42 when left out. */
  seed?: number;
  /** The row's name in results tables, where the model's own will not do. */
  name?: string;
  /** What progress and logs of the training are called; the model's name when left out. */
  label?: string;
  /** Where a model that is trained in steps saves checkpoints and goes on from them; nothing is saved when left out. */
  stateFolder?: string;
  /** Path of a file that an option names; the name itself when left out. */
  pathOf?: (file: string) => string;
  /** Where such a model logs; nothing is logged when left out. */
  logFolder?: string;
  /**
   * Measures such a model on the validation part as it is being trained. With a `stateFolder` the state with the best `metric` is what
   * comes back, without one the last: states are not kept in memory.
   */
  validation?: {
    metric: string;
    mode?: 'max' | 'min';
    evaluate: (recommender: Recommender) => Promise<Record<string, number>>;
  };
}

type Values = Float32Array | Float64Array | Int32Array;

/** What a model has learnt, by name: arrays of numbers, row major. This, its options and its ids are all that a checkpoint holds. */
export type Weights = Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Values }>>;

/** What a fitted model is asked: histories, and who they are of. */
export interface Question extends Omit<RecommendOptions, 'maskHistory'> {
  histories: readonly Int32Array[];
}

/** [B*N] how well every item goes with each history. */
export type Scorer = (question: Question) => Float32Array | Promise<Float32Array>;

/** What a scorer may know of the data besides the weights. */
export interface Facts {
  /** N */
  numItems: number;
  /** What every user of the training data has met, oldest first. */
  sequences: Sequences;
  /** Row of a user in the training data, if there is one. */
  rowOf: (user: string | undefined) => number | undefined;
}

/** What a definition's `fit` is told. */
export interface FittingContext<W extends Weights> extends FitContext {
  seed: number;
  /** The recommender that the weights so far make, to be validated. */
  recommender(weights: W): Recommender;
}

/** An object's schema, which configs extend. */
export type OptionsSchema<C extends object = object> = z.ZodObject<z.ZodRawShape> & z.ZodType<C>;

/** Everything there is to say about one kind of model. */
export interface Definition<C extends object, W extends Weights> {
  name: string;
  /** Hyperparameters with their defaults; unknown ones are errors. */
  options: OptionsSchema<C>;
  fit(data: TrainingData, options: C, context: FittingContext<W>): W | Promise<W>;
  /** Of a model that is trained in steps. */
  stepsPerEpoch?(data: TrainingData, options: C): number;
  /** The memory that a fit takes besides the data, where that follows from the size of the data. */
  estimateBytes?(data: DataSize): number;
  /** Called once for a fitted or loaded model, so that it can prepare what all questions share. */
  scorer(weights: W, options: C, facts: Facts): Scorer;
}

/** A recommender that knows what it was fitted to, and can be saved. */
export interface FittedRecommender extends Recommender {
  readonly numItems: number;
  readonly itemIds?: readonly string[];
  readonly userIds?: readonly string[];
  score: NonNullable<Recommender['score']>;
  /**
   * Lists for users of the training data, after all that they did there.
   *
   * @param maskHistory  without what they met there, as when left out
   * @throws RangeError naming the first user that the model has never seen: give `recommend` a history
   */
  recommendToUsers(users: readonly string[], k: number, maskHistory?: boolean): Promise<Recommendations>;
  /** Writes `config.json`, `ids.json` and `model.safetensors` into a folder that exists. */
  save(folder: string): Promise<void>;
}

/** How large a fit will be. */
export type DataSize = Pick<TrainingData, 'numItems'>;

/** A kind of model: fits recommenders, and loads those that it has fitted. */
export interface RecommenderModel<C extends object = object> {
  readonly name: string;
  readonly options: OptionsSchema<C>;
  /** @throws RangeError naming an option that is unknown or out of its range, or items outside [0, N) */
  fit(data: TrainingData, options?: object, context?: FitContext): Promise<FittedRecommender>;
  /** Of a model that is trained in steps. */
  stepsPerEpoch?(data: TrainingData, options?: object): number;
  /** An estimate of the memory that a fit takes besides the data, where it is known beforehand. */
  estimateBytes?(data: DataSize): number;
  /** @throws Error when the folder holds no model, or another kind of model */
  load(folder: string): Promise<FittedRecommender>;
}

const savedSchema = z.object({
  model: z.string(),
  name: z.string(),
  fittedOn: z.enum(['train', 'train+validation']),
  items: z.int().positive(),
  options: z.record(z.string(), z.unknown()),
});
const idsSchema = z.object({ items: z.array(z.string()).optional(), users: z.array(z.string()).optional() });

/** Scores of one batch are at most so many numbers, 16 MB. */
const numbersAtOnce = 4_000_000;

/**
 * A model from what is its own: how it is fitted, and how it scores. Lists, masks, checks, saving and loading are the same for all.
 */
export function defineRecommender<C extends object, W extends Weights>(
  definition: Definition<C, W>,
): RecommenderModel<C> {
  const { name: model, options: schema, stepsPerEpoch, estimateBytes } = definition;

  function parseOptions(options: object): C {
    const parsed = schema.safeParse(options);
    if (parsed.success) return parsed.data;
    throw new RangeError(`${model}: options must be valid, got ${z.prettifyError(parsed.error)}`);
  }

  function create(
    data: Omit<TrainingData, 'ratings' | 'itemFeatures' | 'userFeatures'> & { ratings?: Float32Array | undefined },
    options: C,
    weights: W,
    name: string,
  ): FittedRecommender {
    const { numItems, sequences, ratings, fittedOn, itemIds, userIds } = data;
    const rows = new Map(userIds?.map((id, row) => [id, row]));
    const scorer = definition.scorer(weights, options, {
      numItems,
      sequences,
      rowOf: (user) => rows.get(user!),
    });
    const batchSize = Math.max(1, Math.floor(numbersAtOnce / numItems));

    /** Scores in batches, each of which begins at history `start`. */
    async function* scores(question: Question) {
      const { histories, users, ratings } = question;
      for (let start = 0; start < histories.length; start += batchSize) {
        const end = start + batchSize;
        const batch = await scorer({
          histories: histories.slice(start, end),
          ...(users && { users: users.slice(start, end) }),
          ...(ratings && { ratings: ratings.slice(start, end) }),
        });
        yield { start, batch };
      }
    }

    const recommender: FittedRecommender = {
      name,
      parameters: { fittedOn, ...plainOptions(omitTraining(options)) },
      numItems,
      ...(itemIds && { itemIds }),
      ...(userIds && { userIds }),
      async score(histories, known = {}) {
        checkRequest(name, histories, 1, numItems, known);
        const all = new Float32Array(histories.length * numItems);
        for await (const { start, batch } of scores({ ...known, histories })) all.set(batch, start * numItems);
        return all;
      },
      async recommend(histories, k, { maskHistory, ...known }) {
        checkRequest(name, histories, k, numItems, known);
        const lists = emptyRecommendations(histories.length, k);
        for await (const { start, batch } of scores({ ...known, histories })) {
          for (let row = 0; (row + 1) * numItems <= batch.length; row++) {
            const own = batch.subarray(row * numItems, (row + 1) * numItems); // [N]
            if (maskHistory) for (const item of histories[start + row]) own[item] = -Infinity;
            writeTopK(own, lists, start + row);
          }
        }
        return lists;
      },
      async recommendToUsers(users, k, maskHistory = true) {
        const known = users.map((user) => {
          const row = rows.get(user);
          if (row !== undefined) return row;
          throw new RangeError(
            `${name}: users must be of the training data, got ${user}; pass the history of anybody else to recommend`,
          );
        });
        return recommender.recommend(
          known.map((row) => sequenceOf(sequences, row)),
          k,
          {
            maskHistory,
            users,
            ...(ratings && {
              ratings: known.map((row) => ratings.subarray(sequences.offsets[row], sequences.offsets[row + 1])),
            }),
          },
        );
      },
      async save(folder) {
        const config = { model, name, fittedOn, items: numItems, options };
        const histories: Weights = {
          'history.offsets': vector(sequences.offsets),
          'history.items': vector(sequences.items),
          ...(ratings && { 'history.ratings': vector(ratings) }),
        };
        await writeFileAtomically(join(folder, 'model.safetensors'), encodeWeights({ ...weights, ...histories }));
        await writeFileAtomically(join(folder, 'ids.json'), `${JSON.stringify({ items: itemIds, users: userIds })}\n`);
        await writeFileAtomically(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
      },
    };
    return recommender;
  }

  return {
    name: model,
    options: schema,
    ...(stepsPerEpoch && { stepsPerEpoch: (data, options = {}) => stepsPerEpoch(data, parseOptions(options)) }),
    ...(estimateBytes && { estimateBytes }),
    async fit(data, options = {}, { name = model, seed = 42, ...context } = {}) {
      const parsed = parseOptions(options);
      checkData(data);
      const recommender = (weights: W) => create(data, parsed, weights, name);
      return recommender(await definition.fit(data, parsed, { ...context, seed, recommender }));
    },
    async load(folder) {
      const saved = await readConfig(folder);
      if (saved.model !== model) {
        throw new Error(`${model}: ${folder} must hold a model of this kind, got ${saved.model}; load it as that`);
      }
      const ids = await readJson(join(folder, 'ids.json'), idsSchema);
      const path = join(folder, 'model.safetensors');
      const { tensors } = decodeSafetensors(await readFile(path), path);
      const {
        'history.offsets': offsets,
        'history.items': items,
        'history.ratings': ratings,
        ...weights
      } = Object.fromEntries(
        Object.entries(tensors).map(([key, { shape, data }]) => [key, { shape, values: data as Values }]),
      );
      try {
        const data = {
          sequences: { offsets: offsets.values as Int32Array, items: items.values as Int32Array },
          numItems: saved.items,
          fittedOn: saved.fittedOn,
          ...(ratings && { ratings: ratings.values as Float32Array }),
          ...(ids.items && { itemIds: ids.items }),
          ...(ids.users && { userIds: ids.users }),
        };
        checkData(data);
        return create(data, parseOptions(saved.options), weights as unknown as W, saved.name);
      } catch (cause) {
        throw new Error(
          `${model}: ${folder} must hold files that were saved together, got others: ${(cause as Error).message}; save the model again`,
          { cause },
        );
      }
    },
  };
}

/** What `save` wrote about a model: its kind, its row's name, its options. */
export async function readConfig(folder: string): Promise<z.output<typeof savedSchema>> {
  return readJson(join(folder, 'config.json'), savedSchema);
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new Error(
      `recommenders: ${dirname(path)} must hold a saved model, got ${basename(path)} with: ${reason}; fit one and save it there`,
      { cause },
    );
  }
}

/**
 * A scorer that looks at one history at a time, in float64: rounded in the end, sums of the same numbers in another order are equal.
 *
 * @param write  adds to `scores` [N], which are zero, what each item has after the history
 */
export function scoreEach(
  numItems: number,
  write: (scores: Float64Array, history: Int32Array, about: { user?: string; ratings?: Float32Array }) => void,
): Scorer {
  const own = new Float64Array(numItems);
  return ({ histories, users, ratings }) => {
    const scores = new Float32Array(histories.length * numItems); // [B*N]
    for (const [row, history] of histories.entries()) {
      write(own.fill(0), history, { ...(users && { user: users[row] }), ...(ratings && { ratings: ratings[row] }) });
      scores.set(own, row * numItems);
    }
    return scores;
  };
}

/** An array as a weight of one axis. */
export function vector<V extends Values>(values: V): { shape: readonly number[]; values: V } {
  return { shape: [values.length], values };
}

function encodeWeights(weights: Weights): Uint8Array {
  const dtype = (values: Values) =>
    values instanceof Float32Array ? 'F32' : values instanceof Float64Array ? 'F64' : 'I32';
  return encodeSafetensors(
    Object.fromEntries(
      Object.entries(weights).map(([key, { shape, values }]) => [
        key,
        { dtype: dtype(values), shape, data: values } as Safetensor,
      ]),
    ),
  );
}

/** What a table says of a model: how long it was trained is told by its checkpoint's config. */
function omitTraining(options: object): object {
  const { training: _, ...shown } = { training: undefined, ...options };
  return shown;
}

/** Options as a results table can print them: `a.b` for what is nested. */
function plainOptions(options: object, prefix = ''): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]): [string, string | number | boolean][] => {
      if (value === undefined || value === null) return [];
      if (Array.isArray(value)) return [[`${prefix}${key}`, value.join(' ')]];
      if (typeof value === 'object') return Object.entries(plainOptions(value, `${prefix}${key}.`));
      return [[`${prefix}${key}`, value]];
    }),
  );
}

function checkData({ sequences, numItems, ratings, itemIds, userIds }: TrainingData): void {
  if (!Number.isInteger(numItems) || numItems < 1) {
    throw new RangeError(
      `recommenders: numItems must be a positive integer, got ${numItems}; pass the size of the catalogue`,
    );
  }
  for (const item of sequences.items) {
    if (item >= 0 && item < numItems) continue;
    throw new RangeError(
      `recommenders: items of the sequences must be in [0, ${numItems}), got ${item}; pass the size of their catalogue`,
    );
  }
  if (ratings && ratings.length !== sequences.items.length) {
    throw new RangeError(
      `recommenders: ratings must be one for each of the ${sequences.items.length} items of the sequences, got ${ratings.length}`,
    );
  }
  for (const [ids, name, count] of [
    [itemIds, 'itemIds', numItems],
    [userIds, 'userIds', sequences.offsets.length - 1],
  ] as const) {
    if (!ids || ids.length === count) continue;
    throw new RangeError(`recommenders: ${name} must be ${count}, got ${ids.length}; pass one for each`);
  }
}
