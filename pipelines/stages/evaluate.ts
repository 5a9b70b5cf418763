import { readFile } from 'node:fs/promises';
import {
  bestPossibleRecall,
  type EvaluationCase,
  leaveOneOut,
  orderByTime,
  type Sequences,
  writeFileAtomically,
  writeParquet,
} from '@codebeam/data';
import {
  buildResults,
  type Curve,
  chooseExamples,
  type Evaluation,
  evaluate as evaluateRecommender,
  type Protocol,
  type Recommender,
  type ResultsEntry,
  renderReport,
  sliceByHistoryLength,
  sliceByTargetFrequency,
} from '@codebeam/eval';
import { createKey, permutation } from '@codebeam/random';
import { coOccurrence, countLogit, createHybridRecommender, markov, mostPopular } from '@codebeam/recommenders';
import { readSemanticIds, type SemanticIds } from '@codebeam/rqvae';
import { categoryOf, type Dataset, readDataset } from '../dataset-tables.js';
import { stageOf } from '../pipeline.js';
import { progressLines } from '../progress-lines.js';
import { syntheticOptions } from '../raw-source.js';
import { rememberLists } from '../remember-lists.js';
import { formatRunResults, type RunResults } from '../results.js';
import type { Manifest, StageContext } from '../stage.js';
import { readTokenizerReport, tokenizerFacts } from '../tokenizer-report.js';
import { loadSasrec, loadTiger } from '../trained-models.js';
import { type MetricsLine, readTrainingMetrics } from '../training-metrics.js';
import type { SourceRecord } from './fetch-data.js';

type Context = StageContext<'fetch-data' | 'prepare-data' | 'sasrec' | 'tiger' | 'evaluate'>;
type Ties = Protocol['ties'];

/** One model on the test split under one variant of the protocol. */
interface Row {
  evaluation: Evaluation;
  ties: Ties;
}

/**
 * Everything before -> metrics.json, recommendations.parquet, ranks.parquet, report.html. The one reader of the test
 * split. Every model is fitted on the training part only.
 *
 * Models that only count are fitted and tested under both tie orders. The order moves test targets, so SASRec
 * and TIGER would have to be trained again for the other one: they are tested under the order that they were trained in.
 */
export async function evaluate(context: Context): Promise<Record<string, number>> {
  const { config, run, dataset: name, input, output, log } = context;
  const { seed, evaluate: settings, tiger } = config;
  const dataset = await readDataset((file) => input('prepare-data', file));
  const { ids } = await readSemanticIds(
    input('assign-semantic-ids', 'semantic-ids.parquet'),
    input('assign-semantic-ids', 'tokenizer-report.json'),
  );
  const { source }: SourceRecord = JSON.parse(await readFile(input('fetch-data', 'source.json'), 'utf8'));
  const { userIds, itemIds } = dataset.interactions;
  const masks = { on: [true], off: [false], both: [true, false] }[settings.historyMask];
  const trained = config['prepare-data'].ties;
  const other: Ties = trained === 'file' ? 'shuffled' : 'file';

  const rows: Row[] = [];
  let cases: EvaluationCase[] = [];
  let trainCounts: Int32Array = new Int32Array(0);
  for (const ties of settings.ties === 'both' ? [trained, other] : [trained]) {
    const split = leaveOneOut(ties === trained ? dataset.sequences : orderAgain(dataset, ties, seed));
    const tested = chooseCases(split.test.open('evaluate'), settings.users, seed);
    const recommenders = await fitCounting(split.train, itemIds.length, context);
    if (ties === trained) {
      cases = tested;
      trainCounts = countItems(split.train, itemIds.length);
      recommenders.push(...(await loadTrained(context, ids.numItems, recommenders)));
    }
    for (const maskHistory of masks) {
      for (const recommender of recommenders) {
        const label = `${recommender.name}, ties ${ties}, history mask ${maskHistory ? 'on' : 'off'}`;
        const evaluation = await evaluateRecommender(recommender, tested, {
          ks: settings.ks,
          maskHistory,
          numItems: itemIds.length,
          userIds,
          onProgress: progressLines(label, log),
        });
        rows.push({ evaluation, ties });
      }
    }
  }

  const isMain = ({ ties, evaluation }: Row) => ties === trained && evaluation.maskHistory === masks[0];
  const results: RunResults = buildResults({
    run,
    dataset: {
      name,
      source,
      users: userIds.length,
      items: itemIds.length,
      interactions: dataset.interactions.users.length,
    },
    split: 'test',
    protocol: { ties: trained, historyMask: masks[0] ? 'on' : 'off', maxHistory: tiger.maxHistory },
    seed,
    resamples: settings.bootstrapSamples,
    entries: rows.map((row): ResultsEntry => {
      const { evaluation, ties } = row;
      if (!isMain(row)) return { evaluation, ties };
      const slices = [...sliceByTargetFrequency(evaluation, trainCounts), ...sliceByHistoryLength(evaluation)];
      return { evaluation, ties, slices };
    }),
  });
  const synthetic = syntheticOptions(config);
  if (synthetic) {
    results.bestPossible = Object.fromEntries(
      settings.ks.map((k) => [`recall@${k}`, bestPossibleRecall(synthetic, cases, itemIds, k)]),
    );
  }
  await writeFileAtomically(output('metrics.json'), `${JSON.stringify(results, null, 2)}\n`);
  const main = rows.filter(isMain).map(({ evaluation }) => evaluation);
  await writeRecommendations(output('recommendations.parquet'), main, userIds);
  await writeRanks(output('ranks.parquet'), rows);
  await writeFileAtomically(output('report.html'), await drawReport(context, { results, main, cases, dataset, ids }));
  log(`\n${formatRunResults(results)}`);
  return { users: cases.length, models: rows.length };
}

function orderAgain({ interactions }: Dataset, ties: Ties, seed: number): Sequences {
  return orderByTime(interactions, ties === 'file' ? { ties } : { ties, key: createKey(seed, 'shuffle') });
}

/** All cases, or as many as the config asks for: the same users under every protocol. */
function chooseCases(cases: EvaluationCase[], count: number, seed: number): EvaluationCase[] {
  if (count === 0 || count >= cases.length) return cases;
  const chosen = permutation(createKey(seed, 'sample'), cases.length).subarray(0, count).sort();
  return Array.from(chosen, (place) => cases[place]);
}

async function fitCounting(sequences: Sequences, numItems: number, { config }: Context): Promise<Recommender[]> {
  const data = { sequences, numItems, fittedOn: 'train' } as const;
  const { maxHistory } = config.tiger;
  return [
    await mostPopular.fit(data),
    await markov.fit(data),
    await coOccurrence.fit(data, { maxHistory, ...config.evaluate.coOccurrence }),
  ];
}

/** SASRec, the hybrid of it with TIGER and co-occurrence, and last TIGER, whose examples the report shows. */
async function loadTrained(
  context: Context,
  numItems: number,
  counting: readonly Recommender[],
): Promise<Recommender[]> {
  const { beamWidth, hybrid } = context.config.evaluate;
  const sasrec = await loadSasrec(context);
  const tiger = rememberLists(await loadTiger(context), beamWidth);
  const counted = counting.find(({ name }) => name === coOccurrence.name)!;
  const parts = [
    { recommender: tiger, weight: hybrid.tiger },
    { recommender: sasrec, weight: hybrid.sasrec },
    { recommender: counted, weight: hybrid.coOccurrence, logit: countLogit },
  ].filter(({ weight }) => weight > 0);
  const mixed = parts.length > 1 ? [createHybridRecommender(parts, numItems, { depth: beamWidth })] : [];
  return [sasrec, ...mixed, tiger];
}

function countItems({ items }: Sequences, numItems: number): Int32Array {
  const counts = new Int32Array(numItems);
  for (const item of items) counts[item]++;
  return counts;
}

/** The lists of every model under the table's own protocol, best item first. */
async function writeRecommendations(path: string, evaluations: readonly Evaluation[], userIds: readonly string[]) {
  const users = evaluations.flatMap((evaluation) => Array.from(evaluation.users));
  await writeParquet(path, {
    model: { type: 'string', values: evaluations.flatMap(({ name, users }) => Array<string>(users.length).fill(name)) },
    user: { type: 'int32', values: Int32Array.from(users) },
    id: { type: 'string', values: users.map((user) => userIds[user]) },
    target: { type: 'int32', values: concat(evaluations, ({ targets }) => targets) },
    rank: { type: 'int32', values: concat(evaluations, ({ ranks }) => ranks) },
    items: {
      type: 'list<int32>',
      values: evaluations.flatMap(({ lists, k, users }) =>
        Array.from(users, (_, place) => lists.subarray(place * k, (place + 1) * k).filter((item) => item >= 0)),
      ),
    },
  });
}

/** Where every model under every protocol put every user's target (0: not in the list): what all metrics come from. */
async function writeRanks(path: string, rows: readonly Row[]): Promise<void> {
  const evaluations = rows.map(({ evaluation }) => evaluation);
  const repeat = (value: (row: Row) => string) =>
    rows.flatMap((row) => Array<string>(row.evaluation.users.length).fill(value(row)));
  await writeParquet(path, {
    model: { type: 'string', values: repeat(({ evaluation }) => evaluation.name) },
    ties: { type: 'string', values: repeat(({ ties }) => ties) },
    historyMask: { type: 'string', values: repeat(({ evaluation }) => (evaluation.maskHistory ? 'on' : 'off')) },
    user: { type: 'int32', values: concat(evaluations, ({ users }) => users) },
    target: { type: 'int32', values: concat(evaluations, ({ targets }) => targets) },
    rank: { type: 'int32', values: concat(evaluations, ({ ranks }) => ranks) },
  });
}

function concat(evaluations: readonly Evaluation[], of: (evaluation: Evaluation) => Int32Array): Int32Array {
  return Int32Array.from(evaluations.flatMap((evaluation) => Array.from(of(evaluation))));
}

interface Findings {
  results: RunResults;
  main: readonly Evaluation[];
  cases: readonly EvaluationCase[];
  dataset: Dataset;
  ids: SemanticIds;
}

async function drawReport(context: Context, { results, main, cases, dataset, ids }: Findings): Promise<string> {
  const { config, input, backend } = context;
  const { items, interactions } = dataset;
  // The last one evaluated is TIGER; its hits and misses are what one wants to look at.
  const [first, ...others] = [...main].reverse();
  const titles = items.map(({ title, id }) => title ?? id);
  const best = Object.entries(results.bestPossible ?? {});
  return renderReport({
    results,
    facts: {
      'Test users': cases.length,
      'Models fitted on': 'training part only',
      'Item vectors': String(main[main.length - 1].parameters.itemVectors),
      ...(backend !== undefined && { Backend: backend }),
      ...Object.fromEntries(best.map(([metric, { masked }]) => [`Best possible ${metric}`, masked])),
    },
    config: await usedConfig(context),
    curves: [
      ...trainingCurves('SASRec', await readTrainingMetrics(input('train-sasrec', 'metrics.jsonl')), 'linear'),
      ...trainingCurves('Tokenizer', await readTrainingMetrics(input('train-rqvae', 'metrics.jsonl')), 'log'),
      ...trainingCurves('TIGER', await readTrainingMetrics(input('train-tiger', 'metrics.jsonl')), 'linear'),
    ],
    tokenizer: tokenizerFacts(await readTokenizerReport(input('assign-semantic-ids', 'tokenizer-report.json'))),
    semanticIds: ids,
    categories: items.map(categoryOf),
    examples: chooseExamples([first, ...others], cases, {
      seed: config.seed,
      titles,
      userIds: interactions.userIds,
      count: config.evaluate.examples,
    }),
  });
}

/** What every stage of the run was told, from their manifests. */
async function usedConfig({ config, input }: Context): Promise<object> {
  const used: Record<string, unknown> = { seed: config.seed };
  for (const stage of stageOf(config, 'evaluate').reads) {
    const manifest: Manifest = JSON.parse(await readFile(input(stage, 'manifest.json'), 'utf8'));
    Object.assign(used, manifest.config);
  }
  return { ...used, evaluate: config.evaluate };
}

/** Loss and its parts, and validation, over steps. */
function trainingCurves(title: string, lines: readonly MetricsLine[], scale: 'linear' | 'log'): Curve[] {
  const steps = lines.flatMap((one) => (one.validation === undefined ? [one as Record<string, number>] : []));
  const validations = lines.flatMap((one) => (one.validation ? [{ step: one.step, ...one.validation }] : []));
  const series = (points: readonly Record<string, number>[], names: readonly string[]) =>
    names.map((name) => ({
      name,
      x: points.map(({ step }) => step),
      y: points.map((point) => point[name]),
    }));
  const others = ['step', 'epoch', 'learningRate', 'gradientNorm'];
  const namesOf = (points: readonly Record<string, number>[]) =>
    Object.keys(points[0] ?? {}).filter((name) => !others.includes(name));
  return [
    ...(steps.length > 0
      ? [
          { title: `${title}: training loss`, xLabel: 'step', scale, series: series(steps, namesOf(steps)) },
          { title: `${title}: learning rate`, xLabel: 'step', series: series(steps, ['learningRate']) },
        ]
      : []),
    ...(validations.length > 0
      ? [{ title: `${title}: validation`, xLabel: 'step', series: series(validations, namesOf(validations)) }]
      : []),
  ];
}
