import { type Curve, createChartDrawing, escapeHtml, type PageFrame, renderPage } from '@codebeam/eval';
import type { Simulation } from './create-simulation.js';
import type { Measured } from './measurement.js';

/**
 * Measurements over steps as one page that needs nothing else: no network, no script, charts inline, every text escaped. Equal simulations
 * give equal bytes.
 */
export async function renderPopulations(
  { step, numUsers, numItems, measurements }: Pick<Simulation, 'step' | 'numUsers' | 'numItems' | 'measurements'>,
  frame: PageFrame,
): Promise<string> {
  const { curveCards } = await createChartDrawing();
  const entries = Object.entries(measurements);
  const curves = entries.flatMap(([name, values]) => curveOf(name, values, step) ?? []);
  return renderPage({ ...frame, facts: { Users: numUsers, Items: numItems, Steps: step, ...frame.facts } }, [
    {
      title: 'Measurements',
      content: `<p>Step 0 is before any step; a measurement begins where it is defined.</p>
${curveCards(curves)}
${table(entries, step)}`,
    },
  ]);
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

const rowsShown = 200;

/** The numbers themselves, lists left out; of many steps, even ones. */
function table(entries: readonly (readonly [string, readonly Measured[]])[], step: number): string {
  const scalars = entries.filter(([, values]) => values.every((value) => typeof value !== 'object' || value === null));
  if (scalars.length === 0) return '';
  const stride = Math.ceil((step + 1) / rowsShown);
  const steps = Array.from({ length: step + 1 }, (_, at) => at).filter((at) => at % stride === 0 || at === step);
  const rows = steps.map((at) => {
    const cells = scalars.map(([, values]) => values[at - (step + 1 - values.length)]);
    return `<tr><th>${at}</th>${cells.map((value) => `<td>${typeof value === 'number' ? formatValue(value) : '–'}</td>`).join('')}</tr>`;
  });
  const head = scalars.map(([name]) => `<th>${escapeHtml(name)}</th>`);
  return `<details><summary>Every value</summary><div class="scroll"><table><thead><tr><th>step</th>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>`;
}

function formatValue(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(5)));
}
