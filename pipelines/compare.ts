import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readParquet } from '@codebeam/data';
import { compareOverSeeds, cutOffsOf, type MetricName, mainMetrics, meansOverSeeds, metricOf } from '@codebeam/eval';
import { Command } from 'commander';
import { stageFolders } from './pipeline.js';
import { isVerbose, reportError } from './report-error.js';
import { type RunResults, readResults } from './results.js';

/**
 * Several runs of one pipeline that differ in the seed alone, side by side: mean, 95 % interval over users and deviation over seeds of each
 * model, and what each has over a reference, paired.
 */
const command = new Command('compare')
  .description('Means over runs that differ in their seed, and paired differences to a reference.')
  .argument('<runs...>', 'folders under checkpoints/ that have been evaluated')
  .option('--reference <model>', 'what the others are compared with', 'sasrec')
  .option(
    '--metrics <names>',
    'which, with their cut-offs; by default recall and NDCG at the two nearest to 10 that the first run has',
  )
  .option('--verbose', 'print the stack of an error');

interface Options {
  reference: string;
  metrics?: string;
  verbose?: true;
}

interface Row {
  model: string;
  /** Tie order and history mask. */
  protocol: string;
}

/** By model and protocol; one array of ranks for each run. */
type Table = Map<string, Row & { asked: string; ranks: Int32Array[] }>;

async function main(runs: readonly string[], { reference, metrics }: Options): Promise<void> {
  const chosen = metrics?.split(',') as MetricName[] | undefined;
  for (const name of chosen ?? []) metricOf(name); // a name that is none is told before anything is read
  const results = await readAllResults(runs);
  const names = chosen ?? mainMetrics(results[0]);
  for (const [i, result] of results.entries()) checkLength(runs[i], result, names);
  const seeds = results.map(({ seed }) => seed);
  const table = await readRanks(runs);
  const models = new Set(Array.from(table.values(), ({ model }) => model));
  if (!models.has(reference)) {
    throw new RangeError(`pipelines: --reference must be one of ${[...models].join(', ')}, got ${reference}`);
  }
  const [
    {
      ranks: [{ length: users }],
    },
  ] = table.values();
  const options = { seed: seeds[0] };
  const signed = (x: number) => `${x < 0 ? '-' : '+'}${digits(Math.abs(x))}`;
  console.log(
    `${runs.join(', ')}: seeds ${seeds.join(', ')}; ${users} users; ± half a 95 % interval over users, (deviation over seeds)`,
  );
  for (const { model, protocol, ranks } of table.values()) {
    const cells = meansOverSeeds(ranks, names, options).map(({ mean, low, high, deviation }, i) => {
      const spread = ranks.length > 1 ? ` (${digits(deviation)})` : '';
      return `${names[i]} ${digits(mean)} ± ${digits((high - low) / 2)}${spread}`;
    });
    console.log(`${`${model}, ${protocol}`.padEnd(40)} ${cells.join('   ')}`);
  }
  for (const { model, protocol, ranks } of table.values()) {
    const other = table.get(keyOf(reference, protocol));
    if (other === undefined || model === reference) continue;
    const cells = compareOverSeeds(ranks, other.ranks, names, options).map(({ difference, pValue }, i) => {
      const { mean, low, high } = difference;
      return `${names[i]} ${signed(mean)} [${signed(low)}, ${signed(high)}] p ${pValue.toFixed(3)}`;
    });
    console.log(`${`${model} - ${reference}, ${protocol}`.padEnd(40)} ${cells.join('   ')}`);
  }
}

/** @throws Error when a run has not been evaluated · RangeError when two have the same seed */
async function readAllResults(runs: readonly string[]): Promise<RunResults[]> {
  const results: RunResults[] = [];
  for (const run of runs) {
    const path = ranksOf(run);
    if (!existsSync(path)) {
      throw new Error(
        `pipelines: runs must have been evaluated, got no ${path}; run the pipeline with --run ${run} first`,
      );
    }
    const result = await readResults(run);
    const same = results.findIndex(({ seed }) => seed === result.seed);
    if (same >= 0) {
      throw new RangeError(
        `pipelines: runs to compare must differ in their seed, got ${result.seed} for ${runs[same]} and ${run}; leave one out`,
      );
    }
    results.push(result);
  }
  return results;
}

/** A rank is that in a list of the run's largest cut-off: what stands beyond it is unknown. */
function checkLength(run: string, results: RunResults, names: readonly MetricName[]): void {
  const length = Math.max(...cutOffsOf(results));
  for (const name of names) {
    if (Number(name.split('@')[1]) <= length) continue;
    throw new RangeError(
      `pipelines: cut-offs must be at most ${length}, the length of the lists of ${run}, got ${name}; name others with --metrics`,
    );
  }
}

/** @throws Error when a run is not of the same users and targets as the first */
async function readRanks(runs: readonly string[]): Promise<Table> {
  const table: Table = new Map();
  for (const run of runs) {
    const path = ranksOf(run);
    const columns = await readParquet(path, {
      model: 'string',
      user: 'int32',
      ties: 'string',
      historyMask: 'string',
      target: 'int32',
      rank: 'int32',
    });
    const found = new Map<string, Row & { asked: number[]; ranks: number[] }>();
    for (const [at, rank] of columns.rank.entries()) {
      const model = String(columns.model[at]);
      const protocol = `ties ${columns.ties[at]}, mask ${columns.historyMask[at]}`;
      const key = keyOf(model, protocol);
      const row = found.get(key) ?? { model, protocol, asked: [], ranks: [] };
      found.set(key, row);
      // The seed shuffles ties, and with them who is the target.
      row.asked.push(columns.user[at], columns.ties[at] === 'file' ? columns.target[at] : 0);
      row.ranks.push(rank);
    }
    for (const [key, { model, protocol, ranks, ...rest }] of found) {
      const asked = rest.asked.join();
      const row = table.get(key) ?? { model, protocol, asked, ranks: [] };
      if (asked !== row.asked) {
        throw new Error(
          `pipelines: runs to compare must have the same test users, got others in ${run} than in ${runs[0]}; leave one out`,
        );
      }
      row.ranks.push(Int32Array.from(ranks));
      table.set(key, row);
    }
  }
  for (const [key, { ranks }] of table) {
    if (ranks.length === runs.length) continue;
    console.log(`left out, for ${ranks.length} of ${runs.length} runs have it: ${key}`);
    table.delete(key);
  }
  return table;
}

const ranksOf = (run: string) => join(stageFolders(run, 'evaluate').output, 'ranks.parquet');

const keyOf = (model: string, protocol: string) => `${model}, ${protocol}`;
const digits = (x: number) => x.toFixed(4).replace(/^0/, '');

command.action((runs: string[], options: Options) =>
  main(runs, options).catch((error) => reportError(error, { verbose: isVerbose(options.verbose) })),
);
await command.parseAsync();
