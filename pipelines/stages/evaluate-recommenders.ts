import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { joinRows, type Sequences, splitInteractions, writeFileAtomically, writeParquet } from '@codebeam/data';
import {
  bootstrapMean,
  comparedCutOff,
  compareValues,
  type Interval,
  type Judgement,
  judgeLists,
  judgementOf,
  mainMetric,
  type PairedDifference,
  type Protocol,
  renderReport,
  unitOf,
  withoutInterval,
} from '@codebeam/eval';
import { type FittedRecommender, loadRecommender } from '@codebeam/recommenders';
import { nameOf } from '../config.js';
import { readDataset } from '../dataset-tables.js';
import { formatRunResults, type RunResults } from '../results.js';
import type { StageContext } from '../stage.js';
import type { SourceRecord } from './fetch-data.js';

type Context = StageContext<'fetch-data' | 'prepare-data' | 'protocol' | 'recommenders'>;

interface Row {
  recommender: FittedRecommender;
  judged: Awaited<ReturnType<typeof judgeLists>>;
}

/**
 * Fitted recommenders -> metrics.json, per-user.parquet, recommendations.parquet, report.html. The one reader of the test part.
 * Everybody with something in it is asked after all that is known of them, the validation part included; so is every row of it where the
 * task is the next item.
 */
export async function evaluateRecommenders(context: Context): Promise<Record<string, number>> {
  const { config, run, dataset: name, input, output, backend, log } = context;
  const { interactions } = await readDataset((file) => input('prepare-data', file));
  const { train, validation, test } = splitInteractions(interactions, config.protocol.split, config.seed);
  const judgement = judgementOf(joinRows(train, validation), test.open('evaluate'), config.protocol, config.seed);
  const rows: Row[] = [];
  for (const entry of config.recommenders) {
    const recommender = await loadRecommender(dirname(input('fit-recommenders', `${nameOf(entry)}/config.json`)));
    const started = performance.now();
    const judged = await judgeLists(recommender, judgement);
    log(`${recommender.name}: asked and judged in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    rows.push({ recommender, judged });
  }

  const { source }: SourceRecord = JSON.parse(await readFile(input('fetch-data', 'source.json'), 'utf8'));
  const results: RunResults = {
    run,
    dataset: {
      name,
      source,
      users: interactions.userIds.length,
      items: interactions.itemIds.length,
      interactions: interactions.users.length,
    },
    split: 'test',
    protocol: protocolOf(config, judgement),
    seed: config.seed,
    models: rows.map(({ recommender, judged }) => ({
      name: recommender.name,
      users: judged.users.length,
      parameters: recommender.parameters ?? {},
      metrics: intervalsOf(judged, config),
    })),
    comparisons: compareWithBest(rows, judgement, config),
  };
  await writeFileAtomically(output('metrics.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writePerUser(output('per-user.parquet'), rows, judgement);
  await writeLists(output('recommendations.parquet'), rows, judgement);
  const report = await renderReport({
    results,
    facts: {
      [`Test ${unitOf(results.protocol)}`]: rows[0].judged.users.length,
      ...(backend !== undefined && { Backend: backend }),
    },
    config,
  });
  await writeFileAtomically(output('report.html'), report);
  log(`\n${formatRunResults(results)}`);
  return { users: judgement.users.length, models: rows.length };
}

function protocolOf({ protocol, 'prepare-data': { ties } }: Context['config'], { conventions }: Judgement): Protocol {
  const { type, ...how } = protocol.split;
  const told = Object.entries(how).filter(([, value]) => typeof value !== 'object' && value !== 'keep');
  const split = [type === 'given' ? 'split as given' : type, ...told.map(([key, value]) => `${key} ${value}`)].join(
    ' ',
  );
  return {
    ties,
    historyMask: conventions.mask === 'seen' ? 'on' : 'off',
    split: protocol.task === 'next-item' ? `${split}, each row after all before it` : split,
    conventions: protocol.preset,
    ...((protocol.task === 'next-item' || conventions.average === 'event') && { unit: 'event' }),
  };
}

/** Means with bootstrap intervals over users; what only all lists together have has none. */
function intervalsOf(
  { perUser, overall }: Row['judged'],
  { protocol, seed }: Context['config'],
): Record<string, Interval> {
  const told = Object.entries(overall).filter(([, mean]) => Number.isFinite(mean));
  return Object.fromEntries(
    told.map(([metric, mean]) => [
      metric,
      metric in perUser
        ? bootstrapMean(perUser[metric], { seed, resamples: protocol.bootstrapSamples })
        : withoutInterval(mean),
    ]),
  );
}

/** Each model against the one of the highest main metric, paired over users. */
function compareWithBest(
  rows: readonly Row[],
  judgement: Judgement,
  { protocol, seed }: Context['config'],
): PairedDifference[] {
  const main = mainMetric(judgement);
  const k = comparedCutOff(judgement.ks);
  const metrics = (['recall', 'ndcg', 'mrr'] as const).filter((metric) => `${metric}@${k}` in rows[0].judged.perUser);
  const best = rows.reduce((one, other) => (other.judged.overall[main] > one.judged.overall[main] ? other : one));
  return rows
    .filter((row) => row !== best)
    .flatMap(({ recommender, judged }) =>
      metrics.map((metric) => ({
        model: recommender.name,
        reference: best.recommender.name,
        metric: `${metric}@${k}` as const,
        users: judged.users.length,
        ...compareValues(judged.perUser[`${metric}@${k}`], best.judged.perUser[`${metric}@${k}`], {
          seed,
          resamples: protocol.bootstrapSamples,
        }),
      })),
    );
}

/** Every metric of every user (or test row, where means are over those), which intervals and paired tests come from. */
async function writePerUser(path: string, rows: readonly Row[], { userIds, histories }: Judgement): Promise<void> {
  const metrics = Object.keys(rows[0].judged.perUser);
  const users = rows.flatMap(({ judged }) => Array.from(judged.users));
  await writeParquet(path, {
    model: {
      type: 'string',
      values: rows.flatMap(({ recommender, judged }) => Array<string>(judged.users.length).fill(recommender.name)),
    },
    user: { type: 'string', values: users.map((user) => userIds[user]) },
    historyLength: { type: 'int32', values: Int32Array.from(users, (user) => lengthOf(histories, user)) },
    ...Object.fromEntries(
      metrics.map((metric) => [
        metric,
        { type: 'double' as const, values: rows.flatMap(({ judged }) => Array.from(judged.perUser[metric])) },
      ]),
    ),
  });
}

/** The lists, best item first, by source ids, as long as the largest cut-off. */
async function writeLists(path: string, rows: readonly Row[], { userIds, histories, ks }: Judgement): Promise<void> {
  const length = Math.max(...ks);
  await writeParquet(path, {
    model: {
      type: 'string',
      values: rows.flatMap(({ recommender }) => Array<string>(userIds.length).fill(recommender.name)),
    },
    user: { type: 'string', values: rows.flatMap(() => userIds) },
    historyLength: {
      type: 'int32',
      values: Int32Array.from(rows.flatMap(() => userIds.map((_, user) => lengthOf(histories, user)))),
    },
    items: {
      type: 'list<string>',
      values: rows.flatMap(({ recommender, judged: { lists, k } }) =>
        userIds.map((_, user) =>
          Array.from(lists.subarray(user * k, user * k + Math.min(k, length)))
            .filter((item) => item >= 0)
            .map((item) => recommender.itemIds?.[item] ?? String(item)),
        ),
      ),
    },
  });
}

const lengthOf = ({ offsets }: Sequences, row: number) => offsets[row + 1] - offsets[row];
