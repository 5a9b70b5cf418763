import { describeEnergy, estimateEnergy } from './energy-estimate.js';
import type { Domain, OptionValue } from './search-space.js';
import type { RatedTrial, Study } from './study.js';

/** What happened in a study as one page that needs nothing else: no network, no script, every text escaped. */
export function renderStudy(study: Study): string {
  const { name, metric, mode, space, trials, best } = study;
  const searched = Object.keys(space).filter((key) => space[key].kind !== 'fixed');
  const count = (status: RatedTrial['status']) => trials.filter((trial) => trial.status === status).length;
  const cpuSeconds = trials.reduce((sum, trial) => sum + (trial.cpuSeconds ?? 0), 0);
  const facts = {
    Metric: `${metric}, ${mode === 'max' ? 'more' : 'less'} is better`,
    Best: best ? `${format(best.score)} in trial ${best.number}, at resource ${best.resource}` : 'none',
    Trials: `${trials.length}: ${count('complete')} complete, ${count('stopped')} stopped, ${count('failed')} failed, ${count('running')} running`,
    Energy: describeEnergy(estimateEnergy(cpuSeconds, study.energy)),
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)}</title><style>${style}</style></head><body><main>
<h1>${escapeHtml(name)}</h1>
<dl>${Object.entries(facts)
    .map(([label, text]) => `<div><dt>${label}</dt><dd>${escapeHtml(text)}</dd></div>`)
    .join('')}</dl>
<h2>Course</h2><p>Blue: ran to the end; yellow: stopped early; the line on the left is the best so far.</p>
<div class="grid wide">${card(`${metric} over trials`, drawHistory(study))}${card(`${metric} over resource`, drawCourses(study))}</div>
<h2>Scores over options</h2><div class="grid">${searched.map((key) => card(key, drawOption(study, key))).join('')}</div>
<h2>Trials</h2>${table(study, searched)}
</main></body></html>
`;
}

const card = (title: string, svg: string) => `<figure><figcaption>${escapeHtml(title)}</figcaption>${svg}</figure>`;

function table({ trials, best, metric }: Study, keys: readonly string[]): string {
  const head = ['trial', 'status', metric, 'resource', 'seconds', ...keys].map(
    (text) => `<th>${escapeHtml(text)}</th>`,
  );
  const rows = trials.map((trial) => {
    const { number, status, score, resource, seconds, values, error } = trial;
    const cells = [format(score), resource ?? '', seconds?.toFixed(1) ?? '', ...keys.map((key) => format(values[key]))];
    const state = error ? `${status}: ${error}` : status;
    return `<tr${number === best?.number ? ' class="best"' : ''}>${[number, state, ...cells].map((cell) => `<td>${escapeHtml(String(cell))}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Where on its axis a value is drawn. */
interface Axis {
  ticks: readonly { at: number; text: string }[];
  /** From 0 to 1. */
  place(value: OptionValue): number;
}

const [width, height, left, bottom, margin] = [400, 200, 56, 26, 10];
const toX = (place: number) => (left + margin + place * (width - left - 2 * margin)).toFixed(1);
const toY = (place: number) => (height - bottom - margin - place * (height - bottom - 2 * margin)).toFixed(1);

function numberAxis(values: readonly number[], log = false): Axis {
  const scale = (value: number) => (log ? Math.log(value) : value);
  const finite = values.filter(Number.isFinite);
  const [low, high] =
    finite.length > 0 ? [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))] : [0, 1];
  const range = scale(high) - scale(low) || 1;
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  const place = (value: OptionValue) => (high === low ? 0.5 : (scale(value as number) - scale(low)) / range);
  return {
    place,
    ticks: [...new Set([low, middle, high])].map((value) => ({ at: place(value), text: format(value) })),
  };
}

function choiceAxis(values: readonly OptionValue[]): Axis {
  const names = values.map((value) => JSON.stringify(value));
  const place = (value: OptionValue) =>
    names.length === 1 ? 0.5 : names.indexOf(JSON.stringify(value)) / (names.length - 1);
  return { place, ticks: values.map((value) => ({ at: place(value), text: format(value).slice(0, 12) })) };
}

function optionAxis(domain: Domain, values: readonly OptionValue[]): Axis {
  if (domain.kind === 'number') return numberAxis(values as number[], domain.log);
  return choiceAxis(domain.kind === 'choice' ? domain.values : [domain.value]);
}

function frame(label: string, x: Axis, y: Axis, marks: readonly string[]): string {
  const xTicks = x.ticks.map(
    ({ at, text }) => `<text x="${toX(at)}" y="${height - 6}" text-anchor="middle">${escapeHtml(text)}</text>`,
  );
  const yTicks = y.ticks.map(
    ({ at, text }) =>
      `<line x1="${left}" x2="${width}" y1="${toY(at)}" y2="${toY(at)}"/><text x="${left - 6}" y="${toY(at)}" dy="4" text-anchor="end">${escapeHtml(text)}</text>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">${[...yTicks, ...xTicks, ...marks].join('')}</svg>`;
}

const dot = (x: number, y: number, { number, status, score }: RatedTrial) =>
  `<circle cx="${toX(x)}" cy="${toY(y)}" r="3" class="${status}"><title>trial ${number}: ${format(score)}</title></circle>`;

const scored = ({ trials }: Study) => trials.filter(({ resource }) => resource !== undefined);

function drawHistory(study: Study): string {
  const trials = scored(study);
  const x = numberAxis(trials.map(({ number }) => number));
  const y = numberAxis(trials.map(({ score }) => score));
  let best: number | undefined;
  const line = trials.map(({ number, score }) => {
    const isBetter = best === undefined || (study.mode === 'max' ? score > best : score < best);
    if (isBetter) best = score;
    return `${toX(x.place(number))},${toY(y.place(best!))}`;
  });
  const dots = trials.map((trial) => dot(x.place(trial.number), y.place(trial.score), trial));
  return frame(`${study.metric} over trials`, x, y, [`<polyline points="${line.join(' ')}"/>`, ...dots]);
}

function drawOption(study: Study, key: string): string {
  const trials = scored(study);
  const x = optionAxis(
    study.space[key],
    trials.map(({ values }) => values[key]),
  );
  const y = numberAxis(trials.map(({ score }) => score));
  const dots = trials.map((trial) => dot(x.place(trial.values[key]), y.place(trial.score), trial));
  return frame(`${study.metric} over ${key}`, x, y, dots);
}

function drawCourses(study: Study): string {
  const reports = study.trials.flatMap((trial) => trial.reports);
  const x = numberAxis(reports.map(({ resource }) => resource));
  const y = numberAxis(reports.map(({ metrics }) => metrics[study.metric]));
  const lines = study.trials.map((trial) => {
    const places = trial.reports.map(
      ({ resource, metrics }) => [x.place(resource), y.place(metrics[study.metric])] as const,
    );
    if (places.length === 1) return dot(...places[0], trial); // a line needs two
    const points = places.map(([x, y]) => `${toX(x)},${toY(y)}`);
    return `<polyline class="${trial.status}" points="${points.join(' ')}"/>`;
  });
  return frame(`${study.metric} over resource`, x, y, lines);
}

function format(value: OptionValue): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Text as HTML shows it. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `
:root { color-scheme: light dark; --paper: #faf9f6; --card: #fff; --ink: #1f2328; --muted: #69707a; --line: #e2dfd8; --accent: #2f5d8a; --stopped: #b39530; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171a; --card: #1c1f23; --ink: #e7e5e0; --muted: #9aa1ab; --line: #32363c; --accent: #86b4df; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
p, dt, figcaption { color: var(--muted); font-size: 0.85rem; margin: 0 0 0.4rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.6rem; }
dd { margin: 0; overflow-wrap: anywhere; }
figure, .scroll { margin: 0; padding: 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.9rem; }
.grid.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 11px; }
svg line { stroke: var(--line); }
svg polyline { fill: none; stroke: var(--accent); stroke-width: 1.4; }
svg polyline.stopped { stroke: var(--stopped); }
svg polyline.failed { stroke: var(--muted); }
svg circle { fill: var(--accent); fill-opacity: 0.75; }
svg circle.stopped { fill: var(--stopped); }
table { border-collapse: collapse; width: 100%; font-size: 0.86rem; }
th, td { padding: 0.3rem 0.6rem; text-align: left; border-top: 1px solid var(--line); }
.best { font-weight: 700; color: var(--accent); }
`;
