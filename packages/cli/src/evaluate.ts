import { type Column, readRankingRows, type Sequences, writeParquet } from '@codebeam/data';
import {
  type Conventions,
  cutOffMetrics,
  keepCandidates,
  maskRules,
  nameOfMetric,
  type PresetName,
  presetNames,
  presets,
  type RankingInput,
  type RankingMetric,
  type RankingMetrics,
  rankingMetrics,
  sampleCandidates,
  tieRules,
  wholeMetrics,
} from '@codebeam/eval';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseCount } from './parse-count.js';
import { parseSeed } from './parse-seed.js';
import { rankingInput } from './ranking-input.js';

interface EvaluateOptions extends Partial<Omit<Conventions, 'metrics'>> {
  train: string;
  test: string;
  recommendations: string;
  preset: PresetName;
  k: number[];
  items?: number;
  seed: number;
  metrics?: RankingMetric[];
  negatives?: number;
  negativesBy: 'uniform' | 'popularity';
  perUser?: string;
  json?: true;
}

const metricNames = [...cutOffMetrics, ...wholeMetrics];

const details = `
Files: CSV, TSV, JSON lines, Parquet or RecBole's .inter, plain or gzip, with a column for the user (user, user_id,
userId, session_id ...) and one for the item (item, item_id ...). Without a header the columns are user, item and, for
train and test, a rating; for recommendations a score, or a rank where each list counts up from 0 or 1.
Recommendations go by rank, lowest first; else by score, highest first; else by their order in the file.

Items: N, the size of the catalogue, is the number of items of all three files, or --items. Items that only a list or only
the test file has are items like any other. An item twice in a list is an error; of a pair twice in the test file the
last row counts, but for means over events, where each does.
Mask: "seen" takes a user's training items out of the list before it is cut at k; lists may be longer than k. "none"
leaves them.
Users: those of the test file. One without a list counts as 0; lists of others are ignored, for coverage and the like too.
Ties: items of equal score. standard: as if before the others; conservative: after them; median: in the middle;
random: drawn by --seed; lowest-id: by id, as numbers where all ids are numbers.
Short lists: divisors stay k; a test item that a list lacks is missed, and adds nothing to auc, gauc and lauc.

The presets set all conventions, and which metrics there are:
  warprec  gain exp2, lists by item id at ties, seen items masked, means over users; all metrics
  recbole  binary gain, coverage as a fraction, Gini by N, entropy per item; N of coverage and Gini has RecBole's
           padding item besides (--padding none takes it out); its gauc has to be asked for by --metrics, its ARP by
           --popularity rows
  gru4rec  recall and mrr, means over test rows (events), seen items kept, standard ties
`;

export function evaluateCommand(): Command {
  const choice = (flags: string, text: string, choices: readonly string[]) => new Option(flags, text).choices(choices);
  return new Command('evaluate')
    .description('Metrics of lists of recommendations, by the conventions of a named system.')
    .requiredOption('--train <file>', 'what users met before: masked, and what popularity is counted on')
    .requiredOption('--test <file>', 'what lists should hold, with a rating or not')
    .requiredOption('--recommendations <file>', 'the lists, with rank, score or neither')
    .addOption(choice('--preset <name>', 'whose conventions', presetNames).makeOptionMandatory())
    .option('--k <list>', 'cut-offs, for example 5,10', parseCutOffs, [10])
    .addOption(choice('--ties <rule>', 'rank of test items among equal scores', tieRules))
    .addOption(choice('--mask <rule>', 'seen: lists without training items', maskRules))
    .addOption(choice('--average <over>', 'what means are over', ['user', 'event']))
    .addOption(choice('--gain <gain>', "nDCG's gain", ['binary', 'exp2']))
    .addOption(choice('--coverage <unit>', 'unit of the coverage', ['count', 'fraction']))
    .addOption(choice('--gini-divisor <divisor>', 'divisor of the Gini index', ['N', 'N-1']))
    .addOption(choice('--padding <padding>', 'whether N of Gini and coverage has one item more', ['counted', 'none']))
    .addOption(choice('--entropy <unit>', 'in nats, or per item listed', ['raw', 'perItem']))
    .addOption(choice('--popularity <count>', 'what ARP counts of training', ['users', 'rows']))
    .addOption(choice('--area <kind>', 'kind of AUC, GAUC and LAUC', ['pairwise', 'inclusive']))
    .addOption(choice('--errors <over>', 'what rating errors are averaged over', ['user', 'row']))
    .option('--beta <number>', 'of the F-score', parsePositive)
    .option('--head-share <share>', 'share of training that the head of the catalogue holds', parseShare)
    .option('--metrics <list>', `those to compute: ${metricNames.join(', ')}`, parseMetrics)
    .option('--items <N>', 'size of the catalogue', parseCount)
    .option('--negatives <number>', 'sampled ranking: test items among so many others, drawn for each user', parseCount)
    .addOption(choice('--negatives-by <chance>', 'how those are drawn', ['uniform', 'popularity']).default('uniform'))
    .option('--seed <number>', 'of random ties and negatives', parseSeed, 42)
    .option('--per-user <file>', 'write values per user, or per event, to this Parquet file')
    .option('--json', 'print one JSON object of metric and value')
    .addHelpText('after', details)
    .action(evaluate);
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const conventions = conventionsOf(options);
  const [train, test, recommendations] = [
    await readRankingRows(options.train, [], 'rating'),
    await readRankingRows(options.test, ['rating'], 'rating'),
    await readRankingRows(options.recommendations, ['rank', 'score'], 'score'),
  ];
  const files = { train, test, recommendations };
  const { input, users, notes } = rankingInput(files, options.items, conventions.average === 'event');
  if (options.ties !== undefined && !input.lists.scores) notes.push('no scores, so no ties: --ties changes nothing');
  const metrics = rankingMetrics(sampled(input, options, notes), conventions, options.k, options.seed);
  if (options.perUser !== undefined) await writePerUser(options.perUser, users, metrics);
  const told = Object.entries(metrics.overall).filter(([, value]) => Number.isFinite(value));
  for (const metric of options.metrics ?? []) {
    const own = nameOfMetric(metric, conventions);
    if (told.some(([name]) => name.split('@')[0] === own)) continue;
    notes.push(`${metric} has no value: these files lack what it is computed from`);
  }
  for (const note of notes) console.error(`note: ${note}`);
  console.log(options.json ? JSON.stringify(Object.fromEntries(told), null, 2) : table(told, options));
}

/** The input as it is, or with lists of sampled candidates. */
function sampled(
  input: RankingInput,
  { negatives, negativesBy, seed }: EvaluateOptions,
  notes: string[],
): RankingInput {
  if (negatives === undefined) return input;
  const weights = new Float64Array(input.numItems);
  for (const item of input.train.items) weights[item]++;
  const options = { numNegatives: negatives, seed, ...(negativesBy === 'popularity' && { weights }) };
  const candidates = sampleCandidates(input, options);
  const lists = keepCandidates(input.lists, candidates);
  const numCandidates = lengthsOf(candidates);
  const [listed, tested] = [lengthsOf(lists), lengthsOf(input.targets)];
  const users = [...tested.keys()].filter((user) => tested[user] > 0);
  const short = users.filter((user) => listed[user] < numCandidates[user]).length;
  if (short > 0) {
    notes.push(
      `lists of ${short} of ${users.length} users lack some of their candidates, which rank last or count as missed; list all items for sampled ranking`,
    );
  }
  const few = users.filter((user) => numCandidates[user] - tested[user] < negatives).length;
  if (few > 0) notes.push(`${few} of ${users.length} users have fewer than ${negatives} items that can be drawn`);
  return { ...input, lists, numCandidates };
}

/** Of each user's row. */
function lengthsOf({ offsets }: Sequences): Int32Array {
  return offsets.slice(1).map((end, user) => end - offsets[user]);
}

async function writePerUser(path: string, ids: readonly string[], { users, perUser }: RankingMetrics): Promise<void> {
  const columns = Object.entries(perUser).map(([name, values]): [string, Column] => [name, { type: 'double', values }]);
  const user: Column = { type: 'string', values: Array.from(users, (number) => ids[number]) };
  await writeParquet(path, { user, ...Object.fromEntries(columns) });
}

/** The preset's, but for those that an option sets. */
function conventionsOf(options: EvaluateOptions): Conventions {
  const preset = presets[options.preset];
  const set = Object.keys(preset).map((name) => [
    name,
    options[name as keyof Conventions] ?? preset[name as keyof Conventions],
  ]);
  return Object.fromEntries(set);
}

/** Metrics down, cut-offs across; those without a cut-off below. */
function table(metrics: readonly [string, number][], { k: ks, preset }: EvaluateOptions): string {
  const values = new Map(metrics);
  const names = [...new Set(metrics.map(([name]) => name.split('@')[0]))];
  const shown = (value: number | undefined) => (value === undefined ? '' : value.toFixed(6)).padStart(14);
  const row = (name: string) =>
    values.has(name) ? shown(values.get(name)) : ks.map((k) => shown(values.get(`${name}@${k}`))).join('');
  const header = `${preset.padEnd(12)}${ks.map((k) => `@${k}`.padStart(14)).join('')}`;
  return [header, ...names.map((name) => `${name.padEnd(12)}${row(name)}`)].join('\n');
}

/** More than any list is long; sums over the first k places take their time. */
const largestCutOff = 1_000_000;

function parseCutOffs(text: string): number[] {
  const ks = text.split(',').map(Number);
  if (!ks.every((k) => Number.isInteger(k) && k > 0 && k <= largestCutOff)) {
    throw new InvalidArgumentError(`It must be like 5,10,20, at most ${largestCutOff}.`);
  }
  return [...new Set(ks)];
}

function parseMetrics(text: string): RankingMetric[] {
  const names = text.split(',').map((name) => name.trim());
  const isMetric = (name: string): name is RankingMetric => metricNames.some((known) => known === name);
  const unknown = names.find((name) => !isMetric(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${metricNames.join(', ')}.`);
  return names.filter(isMetric);
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function parseShare(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('It must be a share, above 0 and up to 1.');
  return value;
}
