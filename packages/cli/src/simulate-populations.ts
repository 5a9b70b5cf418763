import { dirname, relative, resolve } from 'node:path';
import { packSequences, readConfig } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import { factorizeImplicit, recommenderModels } from '@codebeam/recommenders';
import { loadCheckpoint } from '@codebeam/serving/load-checkpoint';
import {
  countSteps,
  type PopulationServices,
  type PopulationsConfig,
  populationsSchema,
  runPopulations,
  type Simulation,
  writePopulations,
} from '@codebeam/simulation';
import { Command } from 'commander';
import { prettifyError } from 'zod';
import { countProgress } from './count-progress.js';
import { parseSeed } from './parse-seed.js';
import { readConfigText } from './read-config-text.js';

interface SimulateOptions {
  config: string;
  seed: number;
  out?: string;
  backend?: string;
  json?: true;
}

const details = `
Config: YAML. Names and defaults are T-RECS', in camel case. For example:

  model: { type: content-filtering, numAttributes: 20 }
  numUsers: 100            # 100 when left out
  numItems: 1250
  numItemsPerIter: 10      # or all
  users: { drift: 0.05, attentionExp: -0.8, repeatInteractions: true }
  creators: { count: 10, creationProbability: 0.5 }
  runs:
    - { timesteps: 20, startup: true, trainBetweenSteps: false, train: true }
    - { timesteps: 50, repeatedItems: false, randomItemsPerIter: 2 }
    - { timesteps: 50, addUsers: 10 }
  measurements: [mse, interaction_spread, { type: interaction_similarity, pairs: 500, diagnostics: true }]
  state: [predicted_items]

Models: popularity, random, content-filtering { numAttributes }, social-filtering { friendship }, implicit-mf { factors },
bass { friendship, probability, infected }, and recommender { checkpoint } (what codebeam recommend takes) or
recommender { fit, options } (one of this repository's, fitted to the histories at each training).
Users: draw, scoreFn, drift, attentionExp, repeatInteractions, or divisiveNormalization { sigma, omega, beta }.
Items: { numAttributes, draw }, what they are where that is not what the model believes at first.
Runs: timesteps (or until-completion, of bass), startup, trainBetweenSteps, randomItemsPerIter, varyRandomItemsPerIter,
repeatedItems, noNewItems, addUsers (before), train (after).
Measurements: mse, rmse, interaction_histogram, interaction_spread, interaction_similarity, rec_similarity, afsr,
num_infected, structural_virality. State: predicted_users, predicted_items, predicted_user_scores, actual_user_profiles,
actual_user_scores, actual_creator_profiles, infection_state, items_shown.

Output: measurements.parquet, interactions.parquet, state/*.parquet and the page populations.html, with --out.
Each measurement has a value before any step and one after each; null where it is not defined.
`;

export function simulatePopulationsCommand(): Command {
  return new Command('populations')
    .description(
      'Users, items and a recommender system in steps of present, interact, update and measure, after T-RECS.',
    )
    .requiredOption('--config <file>', 'what is simulated')
    .option('--seed <number>', 'of all random numbers', parseSeed, 42)
    .option('--out <folder>', 'where Parquet files and a page are written')
    .option('--backend <name>', 'for recommenders: tensorflow, webgpu, native, wasm or cpu; by default the fastest')
    .option('--json', 'print one JSON object of measurement and values, on the last line of standard output')
    .addHelpText('after', details)
    .action(simulatePopulations);
}

async function simulatePopulations({ config: path, seed, out, backend, json }: SimulateOptions): Promise<void> {
  const config = readConfig('cli', populationsSchema, path, await readConfigText(path));
  const services = servicesOf(dirname(resolve(path)), seed, backend);
  const total = countSteps(config);
  const progress = countProgress({ label: config.model.type, unit: 'step', ...(total !== undefined && { total }) });
  let interactions = 0;
  const simulation = await runPopulations(config, seed, services, ({ step, numUsers }) => {
    interactions += numUsers;
    progress.reach(step, { interactions });
  });
  progress.end();
  if (out !== undefined) {
    const files = await writePopulations(resolve(out), simulation, {
      title: `Population before ${config.model.type}`,
      facts: { Model: config.model.type, 'Items per step': simulation.shown?.k ?? '–', Seed: seed },
      config,
    });
    for (const file of files) console.error(`wrote ${relative(process.cwd(), file)}`);
  }
  console.log(json ? JSON.stringify(simulation.measurements) : table(simulation));
}

/** What the simulation asks of packages that come after it. */
function servicesOf(folder: string, seed: number, backend: string | undefined): PopulationServices {
  return {
    // LensKit's options of implicit ALS, which T-RECS uses as they are.
    factorize: (counts, factors) =>
      factorizeImplicit(counts, { factors, alpha: 40, regularization: 0.1, sweeps: 20 }, seed),
    async recommender(model) {
      const { selectBackend } = await import('@codebeam/backend');
      await selectBackend(backend);
      if (model.checkpoint === undefined) return { fit: fitting(model.fit!, model, seed) };
      const { recommender, numItems } = await loadCheckpoint(resolve(folder, model.checkpoint));
      return { recommender, knownItems: numItems };
    },
  };
}

function fitting(
  name: string,
  { options = {} }: Extract<PopulationsConfig['model'], { type: 'recommender' }>,
  seed: number,
) {
  const model = recommenderModels[name];
  if (!model) {
    throw new RangeError(`cli: model.fit must be one of ${Object.keys(recommenderModels).join(', ')}, got ${name}`);
  }
  const parsed = model.options.safeParse(options);
  if (!parsed.success) {
    throw new RangeError(`cli: model.options must be those of ${name}, got ${prettifyError(parsed.error)}`);
  }
  return async (histories: readonly Int32Array[], numItems: number): Promise<Recommender> => {
    return model.fit({ sequences: packSequences(histories), numItems, fittedOn: 'train' }, options, { seed });
  };
}

/** The first and the last value of each measurement. */
function table({ measurements, step }: Simulation): string {
  const shown = (value: unknown) =>
    typeof value === 'number' ? String(Number(value.toPrecision(6))) : value === null ? '–' : 'list';
  const rows = Object.entries(measurements).map(([name, values]) => {
    const first = values.find((value) => value !== null) ?? null;
    return [name, shown(first), shown(values.at(-1) ?? null)];
  });
  const all = [['measurement', 'first', `step ${step}`], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map(([name, ...values]) =>
      [name.padEnd(widths[0]), ...values.map((value, i) => value.padStart(widths[i + 1]))].join('  '),
    )
    .join('\n');
}
