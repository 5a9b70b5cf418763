import type { Interval } from './confidence.js';
import type { MetricName } from './metrics.js';
import { comparedCutOff, type ModelResult, type Protocol, type ResultsTable } from './results.js';

/** The banner over everything measured on the synthetic sample. */
export function sampleWarning({ dataset }: Pick<ResultsTable, 'dataset'>): string | undefined {
  if (dataset.source !== 'sample') return undefined;
  return `SYNTHETIC SAMPLE, NOT THE REAL DATA: these numbers say that the pipeline works and nothing about ${dataset.name}.`;
}

/** A protocol in words: `ties in file order, history mask on, last 20 items as history`. */
export function describeProtocol({ ties, historyMask, maxHistory, split, conventions }: Protocol): string {
  return [
    ...(split === undefined ? [] : [split]),
    ties === 'file' ? 'ties in file order' : 'ties shuffled',
    `history mask ${historyMask}`,
    ...(maxHistory === undefined ? [] : [`last ${maxHistory} items as history`]),
    ...(conventions === undefined ? [] : [`conventions of ${conventions}`]),
  ].join(', ');
}

/** What means and intervals of a table are over. */
export function unitOf({ unit }: Protocol): 'users' | 'events' {
  return unit === 'event' ? 'events' : 'users';
}

/** Rows of a table that share a protocol, in the order of the table. */
export function groupByProtocol(results: ResultsTable): { protocol: Protocol; models: ModelResult[] }[] {
  const groups = new Map<string, { protocol: Protocol; models: ModelResult[] }>();
  for (const model of results.models) {
    const protocol = model.protocol ?? results.protocol;
    const key = describeProtocol(protocol);
    const group = groups.get(key) ?? { protocol, models: [] };
    group.models.push(model);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * The results as an aligned text table for a terminal: mean +/- half the 95 % interval, one block per protocol.
 *
 * @param metrics  columns; those that a model lacks stay empty. Default: `mainMetrics`,
 *                 coverage and invalid IDs at the nearest
 */
export function formatResults(results: ResultsTable, metrics: readonly string[] = defaultColumns(results)): string {
  const { run, dataset, split, seed, protocol } = results;
  const warning = sampleWarning(results);
  const lines = [
    ...(warning ? ['='.repeat(warning.length), warning, '='.repeat(warning.length)] : []),
    `${run}: ${dataset.name} (${dataset.source}), ${count(dataset.users)} users, ${count(dataset.items)} items, ${count(dataset.interactions)} interactions`,
    `${split} split, full ranking, seed ${seed}; mean ± half the 95 % bootstrap interval over ${unitOf(protocol)}`,
  ];
  for (const { protocol, models } of groupByProtocol(results)) {
    const rows = [
      ['model', 'fitted on', unitOf(protocol), ...metrics],
      ...models.map((model) => [
        model.name,
        String(model.parameters.fittedOn ?? ''),
        count(model.users),
        ...metrics.map((metric) => formatInterval(model.metrics[metric])),
      ]),
    ];
    const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
    const align = (cell: string, column: number) =>
      column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
    const table = rows.map((row) => row.map(align).join('  ').trimEnd());
    lines.push('', describeProtocol(protocol), table[0], '-'.repeat(widths.reduce((a, b) => a + b + 2, -2)));
    lines.push(...table.slice(1));
  }
  return `${lines.join('\n')}\n`;
}

function defaultColumns(results: ResultsTable): string[] {
  const nearest = comparedCutOff(cutOffsOf(results));
  return [...mainMetrics(results), `coverage@${nearest}`, `invalidIdRate@${nearest}`];
}

/**
 * Recall and NDCG at the two cut-offs nearest to 10 that a table has, at the smaller first. Where it has no NDCG, as by GRU4Rec's
 * conventions, recall and MRR at the two nearest to 20, which is what the literature on sessions prints.
 */
export function mainMetrics(results: Pick<ResultsTable, 'models'>): MetricName[] {
  const hasNdcg = Object.keys(results.models[0].metrics).some((metric) => metric.startsWith('ndcg@'));
  const [other, cutOff] = hasNdcg ? (['ndcg', 10] as const) : (['mrr', 20] as const);
  const distance = (k: number) => Math.abs(k - cutOff);
  const nearest = cutOffsOf(results).sort((a, b) => distance(a) - distance(b));
  return nearest
    .slice(0, 2)
    .sort((a, b) => a - b)
    .flatMap((k): MetricName[] => [`recall@${k}`, `${other}@${k}`]);
}

/** The cut-offs of a table's metrics, each once. */
export function cutOffsOf({ models }: Pick<ResultsTable, 'models'>): number[] {
  return [
    ...new Set(
      Object.keys(models[0].metrics)
        .flatMap((metric) => /@(\d+)$/.exec(metric)?.[1] ?? [])
        .map(Number),
    ),
  ];
}

function formatInterval(interval: Interval | undefined): string {
  if (!interval) return '';
  const { mean, low, high } = interval;
  const hasInterval = Number.isFinite(low); // read from JSON it is null where there is none
  return `${mean.toFixed(4)}${hasInterval ? ` ±${((high - low) / 2).toFixed(4)}` : ''}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
