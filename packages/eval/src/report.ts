import type { Interval } from './confidence.js';
import type { ExampleUser } from './examples.js';
import { describeProtocol, groupByProtocol, mainMetrics, sampleWarning, unitOf } from './format-results.js';
import { card, escapeHtml, factList, grid, legend, type PageFrame, type PageSection, renderPage } from './page.js';
import { type Curve, createChartDrawing } from './page-charts.js';
import { seriesColor } from './page-style.js';
import { groupByPrefix, meanPurity } from './prefix-categories.js';
import type { ModelResult, ResultsTable } from './results.js';

/** What the page shows. Sections without data are left out. */
export interface ReportData {
  results: ResultsTable;
  /** Short facts for the head of the page by label, e.g. commit or backend. */
  facts?: Readonly<Record<string, string | number>>;
  /** The resolved configuration; printed as JSON. */
  config?: unknown;
  /** Losses, learning rate, validation metrics ... over training. */
  curves?: readonly Curve[];
  /** Numbers of the tokenizer report by label: reconstruction, collisions, entropy ... */
  tokenizer?: Readonly<Record<string, string | number>>;
  /** [N*sizes.length] codes of every item, the last of which tells collisions apart, and the number of codes at each level. */
  semanticIds?: { sizes: readonly number[]; codes: Int32Array };
  /** [N] one category per item, to see what prefixes mean. */
  categories?: readonly (string | undefined)[];
  examples?: readonly ExampleUser[];
}

const labels: Record<string, string> = {
  recall: 'Recall',
  ndcg: 'NDCG',
  hitRate: 'Hit rate',
  mrr: 'MRR',
  precision: 'Precision',
  map: 'MAP',
  coverage: 'Coverage',
  invalidIdRate: 'Invalid IDs',
};
const numPrefixes = 16;
const numCategories = 6;
const numHistoryTitles = 8;

/**
 * The report as one HTML page that needs nothing else: no network, no script, charts inline, every text escaped.
 * Equal data give equal bytes.
 */
export async function renderReport(data: ReportData): Promise<string> {
  const { results, curves, semanticIds, categories, tokenizer, examples } = data;
  const { curveCards, drawUsage } = await createChartDrawing();
  const sections = [
    resultsSection(results),
    slicesSection(results),
    curves?.length ? { title: 'Training', content: curveCards(curves) } : undefined,
    tokenizer || semanticIds
      ? {
          title: 'Semantic IDs',
          content: (tokenizer ? factList(tokenizer) : '') + (semanticIds ? usageCards(semanticIds, drawUsage) : ''),
        }
      : undefined,
    semanticIds && categories ? prefixSection(semanticIds, categories) : undefined,
    examples?.length ? examplesSection(examples) : undefined,
  ];
  return renderPage(
    frameOf(data),
    sections.filter((section) => section !== undefined),
  );
}

function frameOf({ results, facts, config }: ReportData): PageFrame {
  const { run, dataset, split, protocol, seed } = results;
  const warning = sampleWarning(results);
  return {
    title: `${run}: ${dataset.name}`,
    heading: run,
    ...(warning && { warning }),
    lead: `${dataset.name}, ${split} split · ${describeProtocol(protocol)}`,
    facts: {
      'Data source': { files: 'local files', download: 'public download', sample: 'synthetic sample' }[dataset.source],
      Users: dataset.users,
      Items: dataset.items,
      Interactions: dataset.interactions,
      Seed: String(seed),
      ...facts,
    },
    config,
    footer: `${protocol.split ?? 'Leave-one-out'}, full ranking over all items, no sampled negatives. A hit is the item itself. Intervals: 95 %, bootstrap over ${unitOf(protocol)} (coverage: jackknife).`,
  };
}

function resultsSection(results: ResultsTable): PageSection {
  const groups = groupByProtocol(results);
  const metrics = mainMetrics(results);
  const compared = results.comparisons.at(-1); // NDCG where there is one
  const columns = metrics.length + 1 + (compared ? 1 : 0);
  const body = groups.map(({ protocol, models }) => {
    const rows = models.map((model) => resultRow(results, model, models, metrics, compared?.metric));
    const numUsers = [...new Set(models.map(({ users }) => formatCount(users)))].join(' or ');
    const heading = `<tr class="group"><th colspan="${columns}"><span>${escapeHtml(describeProtocol(protocol))}; n = ${numUsers} ${unitOf(protocol)}</span></th></tr>`;
    return `<tbody>${heading}${rows.join('')}</tbody>`;
  });
  const head = [
    '<th>Model</th>',
    ...metrics.map((metric) => `<th>${label(metric)}</th>`),
    ...(compared ? [`<th>Δ ${label(compared.metric)}<br>paired</th>`] : []),
  ];
  const repeated = results.models.find((model) => model.repeatedTargets);
  return {
    title: 'Results',
    content: `<p>Mean over ${unitOf(results.protocol)}, ± half the 95 % interval. ${compared ? `Δ is the paired difference to the reference of the block, on the same ${unitOf(results.protocol)}. ` : ''}${
      repeated
        ? `For ${formatCount(repeated.repeatedTargets ?? 0)} of ${formatCount(repeated.users)} users the target is in their own history, out of reach when it is masked.`
        : ''
    }</p>
<div class="scroll results"><table><thead><tr>${head.join('')}</tr></thead>${body.join('')}</table></div>
${metrics.length > 0 ? forest(groups[0].models, metrics.at(-1) ?? '') : ''}
${groups
  .map(
    ({ protocol, models }) =>
      `<details><summary>Every metric, ${escapeHtml(describeProtocol(protocol))}</summary>${grid(models.map(metricsCard))}</details>`,
  )
  .join('')}`,
  };
}

function resultRow(
  results: ResultsTable,
  model: ModelResult,
  peers: readonly ModelResult[],
  metrics: readonly string[],
  comparedMetric: string | undefined,
): string {
  const cells = metrics.map((metric) => {
    const interval = model.metrics[metric];
    const best = Math.max(...peers.map((peer) => peer.metrics[metric]?.mean ?? -Infinity));
    return `<td>${interval ? (interval.mean === best ? `<b>${formatMetric(interval.mean)}</b>` : formatMetric(interval.mean)) : ''}${
      interval ? plusMinus(interval) : ''
    }</td>`;
  });
  if (comparedMetric) {
    const isSameProtocol = (other: ResultsTable['comparisons'][number]) =>
      JSON.stringify(other.protocol) === JSON.stringify(model.protocol) && other.metric === comparedMetric;
    const own = results.comparisons.find((other) => isSameProtocol(other) && other.model === model.name);
    const isReference = results.comparisons.some((other) => isSameProtocol(other) && other.reference === model.name);
    cells.push(
      own
        ? `<td>${formatSigned(own.difference.mean)}<small>${formatSigned(own.difference.low)} to ${formatSigned(own.difference.high)}</small></td>`
        : `<td class="muted">${isReference ? 'reference' : ''}</td>`,
    );
  }
  return `<tr><th scope="row">${escapeHtml(model.name)}<small>${escapeHtml(describeParameters(model))}</small></th>${cells.join('')}</tr>`;
}

/** One metric of each model as a point on its interval, on a common axis from 0. */
function forest(models: readonly ModelResult[], metric: string): string {
  const rows = models.flatMap(({ name, metrics }) => (metrics[metric] ? [{ name, interval: metrics[metric] }] : []));
  const largest = Math.max(...rows.map(({ interval }) => interval.high)) || 1;
  const percent = (value: number) => `${((100 * value) / largest).toFixed(2)}%`;
  const lines = rows.map(
    ({ name, interval }) =>
      `<div><span>${escapeHtml(name)}</span><span class="track"><i class="range" style="left:${percent(interval.low)};width:${percent(interval.high - interval.low)}"></i><i class="point" style="left:${percent(interval.mean)}"></i></span><output>${formatMetric(interval.mean)}</output></div>`,
  );
  return `<div class="forest"><h3>${label(metric)} with its 95 % interval, axis from 0</h3>${lines.join('')}</div>`;
}

function metricsCard(model: ModelResult): string {
  const { name, metrics } = model;
  const whole = Object.entries(metrics).filter(([metric]) => !metric.includes('@'));
  const atCutOffs = Object.keys(metrics).filter((metric) => metric.includes('@'));
  const cutOffs = [...new Set(atCutOffs.map((metric) => Number(metric.split('@')[1])))].sort((a, b) => a - b);
  const names = [...new Set(atCutOffs.map((metric) => metric.split('@')[0]))];
  const rows = names.map((metric) => {
    const cells = cutOffs.map((k) => {
      const interval = metrics[`${metric}@${k}`];
      return interval ? `<td>${formatMetric(interval.mean)}${plusMinus(interval)}</td>` : '<td></td>';
    });
    return `<tr><th scope="row">${escapeHtml(labels[metric] ?? metric)}</th>${cells.join('')}</tr>`;
  });
  rows.push(
    ...whole.map(
      ([metric, interval]) =>
        `<tr><th scope="row">${escapeHtml(labels[metric] ?? metric)}</th><td colspan="${cutOffs.length}">${formatMetric(interval.mean)}${plusMinus(interval)}</td></tr>`,
    ),
  );
  return card(
    name,
    `<p class="label">${escapeHtml(describeParameters(model))}</p><table><thead><tr><th></th>${cutOffs.map((k) => `<th>@${k}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

function slicesSection(results: ResultsTable): PageSection | undefined {
  const [{ models }] = groupByProtocol(results);
  const sliced = models.filter(({ slices }) => slices?.length);
  if (sliced.length === 0) return undefined;
  const slices = sliced[0].slices ?? [];
  const metric = Object.keys(
    slices.find(({ users }) => users > 0)?.metrics ?? {},
  )[0] as keyof (typeof slices)[0]['metrics'];
  if (metric === undefined) return undefined;
  const rows = slices.map(({ name, definition, users }) => {
    const cells = sliced.map((model) => {
      const interval = model.slices?.find((slice) => slice.name === name && slice.definition === definition)?.metrics[
        metric
      ];
      return `<td>${interval ? `${formatMetric(interval.mean)}${plusMinus(interval)}` : '–'}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(name)}<small>${escapeHtml(definition)}</small></th><td>${formatCount(users)}</td>${cells.join('')}</tr>`;
  });
  return {
    title: `${label(metric)} by slice`,
    content: `<div class="scroll"><table><thead><tr><th>Slice</th><th>Users</th>${sliced.map(({ name }) => `<th>${escapeHtml(name)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  };
}

function usageCards(
  { sizes, codes }: NonNullable<ReportData['semanticIds']>,
  drawUsage: (counts: Int32Array) => string,
) {
  const numItems = codes.length / sizes.length;
  const cards = sizes.map((size, level) => {
    const counts = new Int32Array(size);
    for (let item = 0; item < numItems; item++) counts[codes[item * sizes.length + level]]++;
    const used = counts.filter((count) => count > 0).length;
    const isCollision = level === sizes.length - 1;
    const figure = `${formatCount(used)} of ${formatCount(size)} codes used, perplexity ${perplexity(counts).toFixed(1)}`;
    return card(
      isCollision ? 'Collision code' : `Level ${level + 1}`,
      `<p class="muted">${figure}</p>${drawUsage(counts)}`,
    );
  });
  return `<p>Items per code at each level, most used first. A flat profile uses the codebook well.</p>${grid(cards, ' wide')}`;
}

function prefixSection(
  { sizes, codes }: NonNullable<ReportData['semanticIds']>,
  categories: readonly (string | undefined)[],
): PageSection | undefined {
  const levels = sizes.length - 1; // without the collision code
  const [all] = groupByPrefix(codes, sizes.length, 0, categories);
  if (!all || all.categories.length === 0) return undefined;
  const largest = all.categories.slice(0, numCategories).map(({ name }) => name);
  const color = (name: string) => (largest.includes(name) ? seriesColor(largest.indexOf(name)) : 'var(--series-rest)');
  const names = [...largest, ...(all.categories.length > numCategories ? ['other'] : [])];
  const rows = groupByPrefix(codes, sizes.length, 1, categories)
    .slice(0, numPrefixes)
    .map(({ prefix, items, categories: inside, purity }) => {
      const shown = inside.toSorted((a, b) => rankIn(largest, a.name) - rankIn(largest, b.name));
      const stack = shown.map(
        ({ name, items: count }) =>
          `<i style="width:${((100 * count) / items).toFixed(2)}%;background:${color(name)}" title="${escapeHtml(name)}: ${count}"></i>`,
      );
      return `<code>${prefix.join(' ')}</code><span class="number">${formatCount(items)}</span><span class="stack">${stack.join('')}</span><span class="number">${formatPercent(purity)}</span>`;
    });
  const minItems = 5;
  const purities = Array.from({ length: levels }, (_, level) => {
    const purity = meanPurity(groupByPrefix(codes, sizes.length, level + 1, categories), minItems);
    return Number.isNaN(purity) ? '' : `${formatPercent(purity)} for ${level + 1} code${level === 0 ? '' : 's'}`;
  }).filter(Boolean);
  return {
    title: 'What prefixes mean',
    content: `<p>Share of items in the largest category of their prefix (groups of at least ${minItems}): ${purities.join(', ') || 'none that large'}; ${formatPercent(all.purity)} if prefixes said nothing. Below, the ${Math.min(numPrefixes, rows.length)} most used first codes and the categories of their items.</p>
${legend(names.map((name) => ({ name, color: color(name) })))}
<div class="prefixes"><header><span>Code</span><span class="number">Items</span><span>Categories</span><span class="number">Purity</span></header>${rows.join('')}</div>`,
  };
}

function examplesSection(examples: readonly ExampleUser[]): PageSection {
  const cards = examples.map(({ user, history, target, lists }) => {
    const [first, ...others] = lists;
    const shown = history.slice(-numHistoryTitles);
    const items = (first?.items ?? []).map(({ title, isTarget }) =>
      isTarget ? `<li class="hit">${escapeHtml(title)} ✓</li>` : `<li>${escapeHtml(title)}</li>`,
    );
    const rank = (value: number) => (value > 0 ? `target at ${value}` : 'target not listed');
    return `<article class="card example"><h3>User ${escapeHtml(user)}</h3>
<p class="label">History${history.length > shown.length ? `, last ${shown.length} of ${history.length}` : ''}</p>
<ol start="${history.length - shown.length + 1}">${shown.map((title) => `<li>${escapeHtml(title)}</li>`).join('')}</ol>
<div class="target"><p class="label">Target</p>${escapeHtml(target)}</div>
${first ? `<p class="label">${escapeHtml(first.model)}: ${rank(first.rank)}</p><ol>${items.join('')}</ol>` : ''}
${others.length > 0 ? `<p class="label">${others.map(({ model, rank: value }) => `${escapeHtml(model)}: ${rank(value)}`).join(' · ')}</p>` : ''}
</article>`;
  });
  const model = examples[0].lists[0]?.model ?? 'the model';
  return {
    title: 'Example users',
    content: `<p>Drawn by the seed: about half among users whose target ${escapeHtml(model)} listed, half among the others. The share of hits is in the table above, not here.</p>${grid(cards)}`,
  };
}

function label(metric: string): string {
  const [name, k] = metric.split('@');
  return escapeHtml(`${labels[name] ?? name}@${k}`);
}

function describeParameters({ parameters }: ModelResult): string {
  return Object.entries(parameters)
    .map(([name, value]) => (name === 'fittedOn' ? `fitted on ${value}` : `${name} ${value}`))
    .join(', ');
}

function rankIn(order: readonly string[], name: string): number {
  const at = order.indexOf(name);
  return at < 0 ? order.length : at;
}

/** exp of the entropy of the codes: as many codes, evenly used, would be as even. */
function perplexity(counts: Int32Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Math.exp(
    -counts.reduce((sum, count) => (count > 0 ? sum + (count / total) * Math.log(count / total) : sum), 0),
  );
}

/** Half the interval, where there is one. */
function plusMinus({ low, high }: Interval): string {
  return Number.isFinite(low) ? `<small>±${formatMetric((high - low) / 2)}</small>` : '';
}

function formatMetric(value: number): string {
  return value.toFixed(4);
}

function formatSigned(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

function formatPercent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}
