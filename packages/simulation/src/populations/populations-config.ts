import { createGenerator, createKey, foldIn, type Generator } from '@codebeam/random';
import { z } from 'zod';
import { type AskRecommenderOptions, askRecommender } from './ask-recommender.js';
import { bass } from './bass.js';
import { chooseByDivisiveNormalization } from './choose-items.js';
import { contentFiltering } from './content-filtering.js';
import { createSimulation, type Simulation, type SimulationOptions } from './create-simulation.js';
import { diffusionTree, structuralViralityMeasurement } from './diffusion-tree.js';
import { averageFeatureScoreRange } from './feature-score-range.js';
import { type Factorize, implicitMf } from './implicit-mf.js';
import {
  interactionHistogram,
  interactionSimilarity,
  interactionSpread,
  recommendationSimilarity,
} from './measure-interactions.js';
import { meanSquaredError, rootMeanSquaredError } from './measure-scores.js';
import type { Measurement } from './measurement.js';
import { popularity } from './popularity.js';
import { bernoulliProfiles, normalProfiles, type Profiles, uniformProfiles } from './profiles.js';
import { randomItems } from './random-items.js';
import { cosineSimilarity, innerProduct } from './score-functions.js';
import { socialFiltering } from './social-filtering.js';
import { growRandomGraph, randomGraph } from './social-graph.js';
import { stateVariables } from './state-history.js';
import type { Model } from './system.js';

const count = z.int().positive();
const chance = z.number().min(0).max(1);
const friendship = chance.default(0.3).describe('that two users are friends, of G(n, p)');
const scoreFn = z.enum(['inner-product', 'cosine']).default('inner-product');
const draw = z.enum(['normal', 'uniform', 'bernoulli']);

const modelSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('popularity') }),
  z.strictObject({ type: z.literal('random') }),
  z.strictObject({
    type: z.literal('content-filtering'),
    numAttributes: count.optional().describe("the items' own, else 1000"),
  }),
  z.strictObject({ type: z.literal('social-filtering'), friendship }),
  z.strictObject({ type: z.literal('implicit-mf'), factors: count.default(10) }),
  z.strictObject({
    type: z.literal('bass'),
    friendship,
    probability: chance
      .optional()
      .describe('that one infected neighbour infects a user in a step; drawn when left out'),
    infected: z.array(z.int().min(0)).min(1).optional().describe('users at the beginning; one drawn when left out'),
  }),
  z.strictObject({
    type: z.literal('recommender'),
    checkpoint: z
      .string()
      .optional()
      .describe('folder of a saved recommender or TIGER run, from the folder of the config'),
    fit: z.string().optional().describe('name of a recommender that is fitted to the histories at each training'),
    options: z.record(z.string(), z.unknown()).optional().describe('of the recommender that is fitted'),
  }),
]);

const diagnostics = z.boolean().default(false).describe('how values are distributed');
const upstream = z.boolean().default(false).describe("T-RECS' own formula");
const pairs = z
  .union([count, z.array(z.tuple([z.int().min(0), z.int().min(0)])).min(1)])
  .default(1000)
  .describe('of users: how many are drawn, or which');

const measurementSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('mse'), diagnostics }),
  z.strictObject({ type: z.literal('rmse') }),
  z.strictObject({ type: z.literal('interaction_histogram') }),
  z.strictObject({ type: z.literal('interaction_spread') }),
  z.strictObject({ type: z.literal('interaction_similarity'), pairs, diagnostics }),
  z.strictObject({ type: z.literal('rec_similarity'), pairs, diagnostics }),
  z.strictObject({ type: z.literal('afsr'), upstream }),
  z.strictObject({ type: z.literal('num_infected') }),
  z.strictObject({ type: z.literal('structural_virality'), upstream }),
]);
const measurementNames = measurementSchema.options.map(({ shape }) => shape.type.value);

const runSchema = z.strictObject({
  addUsers: z.int().min(0).default(0).describe('users who join before the run'),
  timesteps: z.union([z.int().min(0), z.literal('until-completion')]).default(50),
  startup: z.boolean().default(false).describe('random items only'),
  trainBetweenSteps: z.boolean().optional().describe('true, but for implicit-mf'),
  randomItemsPerIter: z.int().min(0).default(0),
  varyRandomItemsPerIter: z.boolean().default(false),
  repeatedItems: z.boolean().default(true),
  noNewItems: z.boolean().default(false),
  train: z.boolean().default(false).describe('once more after the run'),
});

/** Models whose scores come of profiles, which `scoreFn` compares. */
const profiled: readonly string[] = ['popularity', 'random', 'content-filtering', 'implicit-mf'];

/** What `codebeam simulate populations` reads. Names and defaults are T-RECS', in camel case. */
export const populationsSchema = z
  .strictObject({
    model: modelSchema,
    numUsers: count.default(100),
    numItems: count.optional().describe('1250, or 1 of bass, or what the checkpoint of a recommender knows'),
    numItemsPerIter: z
      .union([count, z.literal('all')])
      .optional()
      .describe('10, or 1 of bass'),
    scoreFn: scoreFn.describe("the system's, of models that have profiles"),
    probabilisticRecommendations: z.boolean().default(false),
    users: z
      .strictObject({
        draw: draw.default('normal').describe('their actual profiles'),
        scoreFn,
        drift: chance.default(0),
        attentionExp: z.number().default(0),
        repeatInteractions: z.boolean().default(true),
        divisiveNormalization: z
          .strictObject({
            sigma: z.number().min(0).default(0),
            omega: z.number().min(0).default(0.2376),
            beta: z.number().positive().default(0.9739),
          })
          .optional()
          .describe('discrete-choice users'),
      })
      .prefault({}),
    items: z
      .strictObject({ numAttributes: count, draw: draw.default('bernoulli') })
      .optional()
      .describe('what items are; what the system believes at first when left out'),
    creators: z.strictObject({ count, creationProbability: chance.default(0.5) }).optional(),
    runs: z.array(runSchema).min(1).prefault([{}]),
    measurements: z
      .array(z.union([z.enum(measurementNames), measurementSchema]))
      .optional()
      .describe(
        'interaction_spread, interaction_similarity and rec_similarity; of bass num_infected and structural_virality',
      ),
    state: z.array(z.enum(Object.keys(stateVariables) as (keyof typeof stateVariables)[])).default([]),
  })
  .superRefine(({ model, scoreFn, users, creators, runs }, context) => {
    const refuse = (message: string, ...path: (string | number)[]) =>
      context.addIssue({ code: 'custom', path, message });
    if (model.type === 'recommender') {
      if ((model.checkpoint === undefined) === (model.fit === undefined)) {
        refuse('one of checkpoint and fit must be given for a recommender', 'model');
      }
      if (model.options && model.fit === undefined) {
        refuse('must be left out without fit; a checkpoint keeps its own', 'model', 'options');
      }
    }
    if (scoreFn !== 'inner-product' && !profiled.includes(model.type)) {
      refuse(`must be left out for ${model.type}, which compares no profiles`, 'scoreFn');
    }
    if (users.divisiveNormalization && (users.attentionExp !== 0 || !users.repeatInteractions)) {
      refuse('must be left out beside attentionExp and repeatInteractions', 'users', 'divisiveNormalization');
    }
    for (const [number, run] of runs.entries()) {
      if (run.timesteps === 'until-completion' && model.type !== 'bass') {
        refuse(`must be a number for ${model.type}, which never completes`, 'runs', number, 'timesteps');
      }
    }
    if (creators && model.type === 'bass') refuse('must be left out for bass, which has one item', 'creators');
  });

export type PopulationsConfig = z.output<typeof populationsSchema>;

/** What the packages after this one know. */
export interface PopulationServices {
  factorize: Factorize;
  recommender(config: Extract<PopulationsConfig['model'], { type: 'recommender' }>): Promise<AskRecommenderOptions>;
}

/** How many steps a config makes, where that is known beforehand. */
export function countSteps({ runs }: PopulationsConfig): number | undefined {
  const steps = runs.map(({ timesteps }) => (timesteps === 'until-completion' ? Number.NaN : timesteps));
  const sum = steps.reduce((total, value) => total + value, 0);
  return Number.isNaN(sum) ? undefined : sum;
}

/** Runs what a config says. */
export async function runPopulations(
  config: PopulationsConfig,
  seed: number,
  services: PopulationServices,
  onStep?: SimulationOptions['onStep'],
): Promise<Simulation> {
  const { numUsers, users, creators, probabilisticRecommendations, state } = config;
  const isBass = config.model.type === 'bass';
  const asked = config.model.type === 'recommender' ? await services.recommender(config.model) : undefined;
  const numItems = config.numItems ?? asked?.knownItems ?? (isBass ? 1 : 1250);
  const numItemsPerIter = config.numItemsPerIter ?? (isBass ? 1 : 10);
  const key = createKey(seed, 'init');
  const items = config.items && drawProfiles(config.items.draw, numItems, config.items.numAttributes, random(0));
  function random(purpose: number): Generator {
    return createGenerator(foldIn(key, purpose));
  }
  const width = widthOf(config);
  const model = modelOf(config, items, services, asked);
  const measurements = config.measurements ?? defaultMeasurements(isBass);
  const simulation = await createSimulation({
    model,
    numUsers,
    numItems,
    numItemsPerIter,
    users: {
      scoreFn: scoreFunctions[users.scoreFn],
      drift: users.drift,
      attentionExp: users.attentionExp,
      repeatInteractions: users.repeatInteractions,
      ...(users.divisiveNormalization && { choose: chooseByDivisiveNormalization(users.divisiveNormalization) }),
      ...(users.draw !== 'normal' && { profiles: drawProfiles(users.draw, numUsers, width, random(1)) }),
    },
    ...(items && { items }),
    ...(creators && {
      creators: {
        profiles: uniformProfiles(creators.count, width, random(2)),
        creationProbability: creators.creationProbability,
      },
    }),
    probabilisticRecommendations,
    measurements: measurements.map(measurementOf),
    state: state.map((name) => stateVariables[name]),
    seed,
    ...(onStep && { onStep }),
  });
  for (const [number, { addUsers, train, ...run }] of config.runs.entries()) {
    if (addUsers > 0) {
      const profiles = drawProfiles(users.draw, addUsers, simulation.users.width, random(3 + number));
      const { graph } = simulation.system;
      simulation.addUsers(profiles, {
        ...('friendship' in config.model && {
          graph: growRandomGraph(graph!, addUsers, config.model.friendship, random(-1 - number)),
        }),
      });
    }
    await simulation.run(run);
    if (train) await simulation.train();
  }
  return simulation;
}

const scoreFunctions = { 'inner-product': innerProduct, cosine: cosineSimilarity };

function drawProfiles(kind: z.output<typeof draw>, rows: number, width: number, random: Generator): Profiles {
  switch (kind) {
    case 'normal':
      return normalProfiles(rows, width, random);
    case 'uniform':
      return uniformProfiles(rows, width, random);
    case 'bernoulli':
      return bernoulliProfiles(rows, width, random);
    default:
      return kind satisfies never;
  }
}

/** A, attributes of actual items and so of users and creators: the system's own where the config says nothing of items. */
function widthOf({ items, model }: PopulationsConfig): number {
  if (items) return items.numAttributes;
  if (model.type === 'content-filtering') return attributesOf(model);
  return model.type === 'implicit-mf' ? model.factors : 1;
}

const attributesOf = ({ numAttributes = 1000 }: { numAttributes?: number | undefined }) => numAttributes;

function modelOf(
  { model, scoreFn }: PopulationsConfig,
  items: Profiles | undefined,
  services: PopulationServices,
  asked: AskRecommenderOptions | undefined,
): Model {
  const made = plainModelOf(model, items, services, asked);
  return (context) => Object.assign(made(context), { scoreFn: scoreFunctions[scoreFn] });
}

function plainModelOf(
  model: PopulationsConfig['model'],
  items: Profiles | undefined,
  services: PopulationServices,
  asked: AskRecommenderOptions | undefined,
): Model {
  switch (model.type) {
    case 'popularity':
      return popularity;
    case 'random':
      return randomItems;
    case 'content-filtering':
      if (items && model.numAttributes !== undefined && model.numAttributes !== items.width) {
        throw new RangeError(
          `simulation: model.numAttributes must be that of items, ${items.width}, got ${model.numAttributes}; leave one of them out`,
        );
      }
      return contentFiltering({ numAttributes: attributesOf(model), ...(items && { items }) });
    case 'social-filtering':
      return (context) =>
        socialFiltering({ graph: randomGraph(context.numUsers, model.friendship, context.random) })(context);
    case 'implicit-mf':
      return implicitMf({ factorize: services.factorize, factors: model.factors });
    case 'bass':
      return (context) => {
        const graph = randomGraph(context.numUsers, model.friendship, context.random);
        const { probability, infected } = model;
        return bass({ graph, ...(probability !== undefined && { probability }), ...(infected && { infected }) })(
          context,
        );
      };
    case 'recommender':
      return askRecommender(asked!);
    default:
      return model satisfies never;
  }
}

function defaultMeasurements(isBass: boolean): (typeof measurementNames)[number][] {
  return isBass
    ? ['num_infected', 'structural_virality']
    : ['interaction_spread', 'interaction_similarity', 'rec_similarity'];
}

function measurementOf(named: NonNullable<PopulationsConfig['measurements']>[number]): Measurement {
  const measurement = typeof named === 'string' ? measurementSchema.parse({ type: named }) : named;
  switch (measurement.type) {
    case 'mse':
      return meanSquaredError(measurement);
    case 'rmse':
      return rootMeanSquaredError();
    case 'interaction_histogram':
      return interactionHistogram();
    case 'interaction_spread':
      return interactionSpread();
    case 'interaction_similarity':
      return interactionSimilarity(measurement);
    case 'rec_similarity':
      return recommendationSimilarity(measurement);
    case 'afsr':
      return averageFeatureScoreRange(measurement);
    case 'num_infected':
      return diffusionTree();
    case 'structural_virality':
      return structuralViralityMeasurement(measurement);
    default:
      return measurement satisfies never;
  }
}
