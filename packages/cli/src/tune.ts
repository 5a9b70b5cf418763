import { dirname, join, relative, resolve } from 'node:path';
import { selectBackend } from '@codebeam/backend';
import type { FitEstimate } from '@codebeam/recommenders';
import { duration } from '@codebeam/trainers';
import {
  describeEnergy,
  type EnergyEstimate,
  estimateEnergy,
  type Hyperparameters,
  type Study,
} from '@codebeam/trainers/search';
import { Command } from 'commander';
import { claimOutput } from './tune/claim-output.js';
import { type Best, bestOf, refitBest } from './tune/refit-best.js';
import { estimateTrials, type Search, searchModels, studyFolder } from './tune/search-models.js';
import { foldsOf, loadTuneConfig, planOf, spacesOf, type TuneConfig } from './tune/tune-config.js';
import { loadTuneData, type TuneData } from './tune/tune-data.js';

interface TuneOptions {
  config: string;
  estimate?: true;
  backend?: string;
  json?: true;
}

const details = `
Config: YAML; its paths start from its own folder. For example:

  data: { interactions: interactions.tsv }
  filters:
    - { type: iterative-k-core, k: 5 }
  split: { type: temporal-holdout, ratio: 0.1, validation: { type: temporal-holdout, ratio: 0.1 } }
  models:
    markov: {}
    ease: { l2: [loguniform, 1, 1000] }
    item-knn: { k: [randint, 10, 200], similarity: [cosine, dot] }
  evaluation: { preset: warprec, ks: [5, 10] }
  search: { sampler: tpe, trials: 20, metric: ndcg@10, concurrency: 2 }
  output: found

Data: a file of interactions as codebeam evaluate reads them (user, item, with rating and timestamp where there are), or the
parts train, validation and test. Items, with brand or categories, are for models that look at those.
Options: [uniform, min, max], quniform, loguniform, qloguniform, randn, qrandn, randint, qrandint, lograndint, qlograndint,
choice, grid; a bare list is searched, anything else is fixed. Nested options nest: training: { learningRate: ... }.
Search: sampler grid, random or tpe, none of which tries a point twice; trials of each model; scheduler fifo or asha, which
stops trials at their validations; earlyStopping; seed, of split, proposals and trainings; concurrency, trials that run at a
time and share the cores.
Validation: the split's part, or its folds (validation: { type: k-fold, folds: 5 }).

The best trial of all models is fitted again to train and validation, saved as best in the output, and measured on test.
A search that was stopped goes on when it is started again with the same config; trials, concurrency and trackers may change.
`;

export function tuneCommand(): Command {
  return new Command('tune')
    .description("Searches recommenders' options on a validation part, and saves the best as a checkpoint.")
    .requiredOption('--config <file>', 'what is searched, on which data')
    .option('--estimate', 'estimate what trials need, and stop')
    .option('--backend <name>', 'tensorflow, webgpu, native, wasm or cpu; by default the fastest that works')
    .option('--json', 'print one JSON object, on the last line of standard output')
    .addHelpText('after', details)
    .action(tune);
}

async function tune(options: TuneOptions): Promise<void> {
  const { config: path, backend } = options;
  const log = (line: string) => console.error(line);
  const { config, folder } = await loadTuneConfig(path);
  if (backend !== undefined) process.env.CODEBEAM_BACKEND = backend; // of the workers, too
  await selectBackend(backend);
  const data = await loadTuneData(config, folder);
  for (const note of data.notes) log(`note: ${note}`);
  const output = resolve(folder, config.output);
  const { recordPath, release } = await claimOutput(output, config, folder);
  try {
    await runSearch({ config, recordPath, folder, output }, data, options, log);
  } finally {
    await release();
  }
}

async function runSearch(
  search: Search,
  data: TuneData,
  { estimate, json }: TuneOptions,
  log: (line: string) => void,
): Promise<void> {
  const { config } = search;

  const estimates = await estimateTrials(search, { numItems: data.split.train.itemIds.length });
  for (const line of describeEstimates(config, estimates)) log(line);
  if (estimate) {
    if (json) console.log(JSON.stringify({ estimates }));
    return;
  }
  const studies = await searchModels(search, log);
  const best = bestOf(studies);
  if (!best) {
    const trials = studies.flatMap((study) => study.trials);
    throw new Error(
      `cli: one trial at least must succeed, got ${trials.length} that failed, the first with: ${trials[0]?.error}; correct the config, and name another output`,
    );
  }
  log(`best: ${best.model}, trial ${best.trial}; it is fitted to train and validation`);
  const test = await refitBest(best, search, data);
  const { user, system } = process.cpuUsage(); // microseconds; of data, refit and test
  const energy = estimateEnergy(cpuSecondsOf(studies) + (user + system) / 1e6, config.search.energy);
  console.log(json ? JSON.stringify(toJson(search, studies, best, test, energy)) : table(search, studies, best, test));
  if (!json) log(`${describeEnergy(energy)}; starts of workers are left out`);
}

/** Before the run, a line for each model. */
function describeEstimates(config: TuneConfig, estimates: Record<string, FitEstimate>): string[] {
  const { concurrency } = config.search;
  return spacesOf(config).map(([model, space]) => {
    const { trials } = planOf(config, space);
    const {
      estimatedSecondsPerEpoch,
      estimatedSecondsPerStep,
      estimatedSetupSeconds,
      peakProcessBytes,
      estimatedBytes,
      steps,
    } = estimates[model];
    const count = `${trials} ${trials === 1 ? 'trial' : 'trials'}`;
    const told: string[] = [];
    if (estimatedSecondsPerEpoch !== undefined) {
      const fits = Math.max(1, foldsOf(config));
      const toItsEnd = fits * (estimatedSetupSeconds! + steps! * estimatedSecondsPerStep!);
      const all = toItsEnd * Math.ceil(trials / concurrency);
      told.push(
        `${estimatedSecondsPerEpoch.toPrecision(2)} s an epoch of the first trial by itself, without validation`,
      );
      told.push(`so some ${duration(toItsEnd)} for a trial to its end and ${duration(all)} for ${count}`);
    } else told.push(`${count}, whose time the first will tell`);
    if (peakProcessBytes !== undefined) told.push(`${mebibytes(peakProcessBytes)} a process`);
    else if (estimatedBytes !== undefined) told.push(`${mebibytes(estimatedBytes)} besides data and process`);
    return `estimate: ${model}: ${told.join(', ')}`;
  });
}

const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MiB`;

const cpuSecondsOf = (studies: readonly Study[]) =>
  studies.flatMap(({ trials }) => trials).reduce((sum, { cpuSeconds = 0 }) => sum + cpuSeconds, 0);

/** The one object of `--json`. Paths start from the working folder. */
function toJson(
  { output }: Search,
  studies: readonly Study[],
  best: Best,
  test: Record<string, number>,
  energy: EnergyEstimate,
): object {
  const shown = (...names: string[]) => relative(process.cwd(), join(output, ...names)) || '.';
  return {
    best,
    test,
    models: studies.map(({ name, trials, best }) => ({
      model: name,
      ...countsOf(trials),
      ...(best && { trial: best.number, validation: best.score, options: best.values }),
    })),
    energy,
    paths: {
      output: shown(),
      checkpoint: shown('best'),
      results: shown('results.json'),
      studies: Object.fromEntries(
        studies.map(({ name }) => [name, relative(process.cwd(), studyFolder(output, name))]),
      ),
    },
  };
}

function countsOf(trials: Study['trials']) {
  const count = (status: string) => trials.filter((trial) => trial.status === status).length;
  return { trials: trials.length, complete: count('complete'), stopped: count('stopped'), failed: count('failed') };
}

const rowsShown = 10;
/** The rest is in results.json. */
const shownOnTest = ['recall', 'precision', 'mrr', 'ndcg'];

/** The best trials of all, what became of the rest, and what the best is worth. */
function table(
  { output, config }: Search,
  studies: readonly Study[],
  best: Best,
  test: Record<string, number>,
): string {
  const { metric, mode } = config.search;
  const rated = studies
    .flatMap(({ name, trials }) => trials.map((trial) => ({ name, ...trial })))
    .filter(({ resource }) => resource !== undefined)
    .sort((a, b) => (mode === 'max' ? b.score - a.score : a.score - b.score));
  const rows = rated.slice(0, rowsShown).map(({ name, number, score, resource, seconds = 0, values }) => {
    return [name, String(number), score.toFixed(6), String(resource), seconds.toFixed(1), describeOptions(values)];
  });
  const head = ['model', 'trial', metric, 'at', 'seconds', 'options'];
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const isText = (i: number) => i === 0 || i === head.length - 1;
  const line = (row: string[]) =>
    row
      .map((cell, i) => (isText(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const counts = studies.map(({ name, trials }) => {
    const { complete, stopped, failed } = countsOf(trials);
    return `${name}: ${trials.length} trials, ${complete} complete, ${stopped} stopped, ${failed} failed`;
  });
  const { ks } = config.evaluation;
  const wanted = new Set([metric, ...shownOnTest.map((name) => `${name}@${Math.max(...ks)}`)]);
  const tested = Object.entries(test).filter(([name]) => wanted.has(name));
  const checkpoint = relative(process.cwd(), join(output, 'best'));
  return [
    ...[head, ...rows].map(line),
    '',
    ...counts,
    `best: ${best.model}, ${describeOptions(best.options)}: ${metric} ${best.validation.toFixed(6)} on validation`,
    `fitted to train and validation, on test: ${tested.map(([name, value]) => `${name} ${value.toFixed(6)}`).join(', ')}`,
    `saved: codebeam recommend --checkpoint ${checkpoint} --history ...`,
    `pages: ${relative(process.cwd(), join(dirname(studyFolder(output, best.model)), '*', 'study.html'))}`,
  ].join('\n');
}

function describeOptions(values: Hyperparameters): string {
  const shown = (value: unknown) =>
    typeof value === 'number'
      ? String(Number(value.toPrecision(6)))
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
  return Object.entries(values)
    .map(([key, value]) => `${key} ${shown(value)}`)
    .join(', ');
}
