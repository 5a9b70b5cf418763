import { type Curve, createChartDrawing, escapeHtml, reportStyle } from '@codebeam/eval';
import type { Simulation } from './create-simulation.js';
import type { Measured } from './measurement.js';

/** What the page says besides measurements. */
export interface PageFacts {
  title: string;
  /** By label, for the head of the page. */
  facts?: Readonly<Record<string, string | number>>;
  /** The resolved configuration; printed as JSON. */
  config?: unknown;
}

/**
 * Measurements over steps as one page that needs nothing else: no network, no script, charts inline, every text escaped. Equal simulations
 * give equal bytes.
 */
export async function renderPopulations(
  { step, numUsers, numItems, measurements }: Pick<Simulation, 'step' | 'numUsers' | 'numItems' | 'measurements'>,
  { title, facts = {}, config }: PageFacts,
): Promise<string> {
  const { drawCurve } = await createChartDrawing();
  const shown = { Users: numUsers, Items: numItems, Steps: step, ...facts };
  const entries = Object.entries(measurements);
  const cards = entries.map(([name, values]) => {
    const curve = curveOf(name, values, step);
    return curve ? card(curve, drawCurve(curve)) : '';
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<dl class="facts">${Object.entries(shown)
    .map(([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(formatFact(value))}</dd></div>`)
    .join('')}</dl>
<h2>Measurements</h2>
<p>Step 0 is before any step; a measurement begins where it is defined.</p>
<div class="grid wide">${cards.join('\n')}</div>
${table(entries, step)}
${config === undefined ? '' : `<h2>Configuration</h2><details><summary>Resolved configuration</summary><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>`}
</main>
</body>
</html>
`;
}

/** A number over steps; of lists, the values from the largest to the smallest in the first, a middle and the last step. */
function curveOf(name: string, values: readonly Measured[], step: number): Curve | undefined {
  const first = step + 1 - values.length;
  const defined = values.flatMap((value, at) => (value === null ? [] : [{ at: first + at, value }]));
  if (defined.length === 0) return undefined;
  const numbers = defined.flatMap(({ at, value }) => (typeof value === 'number' ? [[at, value] as const] : []));
  if (numbers.length === defined.length) {
    const [x, y] = [numbers.map(([at]) => at), numbers.map(([, value]) => value)];
    return { title: name, xLabel: 'step', series: [{ name, x, y }] };
  }
  const places = [...new Set([0, (defined.length - 1) >> 1, defined.length - 1])];
  const series = places.map((place) => {
    const { at, value } = defined[place];
    const falling = Float64Array.from(value as readonly number[])
      .sort()
      .reverse();
    return { name: `step ${at}`, x: Array.from(falling.keys(), (rank) => rank + 1), y: falling };
  });
  return { title: name, xLabel: 'rank', series };
}

function card({ title, series }: Curve, svg: string): string {
  const legend = series.map(
    ({ name }, number) => `<li><i style="background:var(--series-${(number % 6) + 1})"></i>${escapeHtml(name)}</li>`,
  );
  const list = series.length > 1 ? `<ul class="legend">${legend.join('')}</ul>` : '';
  return `<div class="card"><h3>${escapeHtml(title)}</h3>${list}${svg}</div>`;
}

const rowsShown = 200;

/** The numbers themselves, lists left out; of many steps, even ones. */
function table(entries: readonly (readonly [string, readonly Measured[]])[], step: number): string {
  const scalars = entries.filter(([, values]) => values.every((value) => typeof value !== 'object' || value === null));
  if (scalars.length === 0) return '';
  const stride = Math.ceil((step + 1) / rowsShown);
  const steps = Array.from({ length: step + 1 }, (_, at) => at).filter((at) => at % stride === 0 || at === step);
  const rows = steps.map((at) => {
    const cells = scalars.map(([, values]) => values[at - (step + 1 - values.length)]);
    return `<tr><th>${at}</th>${cells.map((value) => `<td>${typeof value === 'number' ? formatFact(value) : '–'}</td>`).join('')}</tr>`;
  });
  const head = scalars.map(([name]) => `<th>${escapeHtml(name)}</th>`);
  return `<details><summary>Every value</summary><div class="scroll"><table><thead><tr><th>step</th>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>`;
}

function formatFact(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(5)));
}
