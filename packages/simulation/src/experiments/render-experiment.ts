import { escapeHtml, type Interval, reportStyle, welchTest } from '@codebeam/eval';
import type { ExperimentAnalysis } from './analyse-experiment.js';
import { describeTests, shownLevel, shownMean, shownPercent, shownPValue } from './format-experiment.js';

/** What a page says besides its sections. */
export interface PageFrame {
  title: string;
  /** By label, for the head of the page. */
  facts?: Readonly<Record<string, string | number>>;
  /** The resolved configuration; printed as JSON. */
  config?: unknown;
}

/**
 * An experiment as one page that needs nothing else: no network, no script, every text escaped. Equal analyses give equal bytes.
 *
 * @param analyses  of one experiment; several where treatments are compared with more than one
 * @param frame.policies  what each treatment is, in the order of the groups
 */
export function renderExperiment(
  analyses: ExperimentAnalysis | readonly [ExperimentAnalysis, ...ExperimentAnalysis[]],
  frame: Partial<PageFrame> & { policies?: readonly string[] } = {},
): string {
  const all = 'experiment' in analyses ? ([analyses] as const) : analyses;
  const sections = all.map((analysis) => experimentSection(analysis, frame.policies));
  return renderPage({ title: all[0].experiment, ...frame }, [meansSection(all[0], frame.policies), ...sections]);
}

type Label = (treatment: string) => string;

const labelOf =
  ({ groups }: ExperimentAnalysis, policies: readonly string[] = []): Label =>
  (treatment) => {
    const policy = policies[groups.findIndex((group) => group.treatment === treatment)];
    return policy ? `${treatment} ${policy}` : treatment;
  };

/** The mean of each treatment by metric, on its interval. */
function meansSection(analysis: ExperimentAnalysis, policies?: readonly string[]): string {
  const { groups, alpha } = analysis;
  const label = labelOf(analysis, policies);
  const forests = Object.keys(groups[0].metrics).map((metric) =>
    forest(
      `${metric}, mean over users`,
      groups.map(({ treatment, metrics }) => {
        // Against what does not vary, Welch's test is that of one sample.
        const { difference } = welchTest(metrics[metric], { n: 2, mean: 0, variance: 0 }, { alpha });
        const [mean, low, high] = [difference.mean, difference.low, difference.high].map(shownMean);
        return { label: label(treatment), ...difference, text: `${mean} [${low}, ${high}]` };
      }),
    ),
  );
  return `<section><h2>Means of ${escapeHtml(analysis.experiment)}</h2>
<p>Each with the ${shownLevel(alpha)} t-interval of its own.</p>
${forests.join('\n')}</section>`;
}

/** Intervals of all effects by metric, and the numbers. */
export function experimentSection(analysis: ExperimentAnalysis, policies?: readonly string[]): string {
  const { experiment, control, groups, effects } = analysis;
  const label = labelOf(analysis, policies);
  const metrics = [...new Set(effects.map(({ metric }) => metric))];
  const forests = metrics.map((metric) =>
    forest(
      `${metric}, effect in percent`,
      effects
        .filter((effect) => effect.metric === metric)
        .map(({ treatment, percent, isSignificant }) => ({
          label: label(treatment),
          ...percent,
          text: `${shownPercent(percent.mean)} [${shownPercent(percent.low)}, ${shownPercent(percent.high)}]`,
          isSignificant,
        })),
    ),
  );
  const users = groups.map((group) => `${label(group.treatment)}: ${group.users.toLocaleString('en')} users`);
  return `<section><h2>Effects of ${escapeHtml(experiment)} against ${escapeHtml(label(control))}</h2>
<p>In percent of its mean over users. ${escapeHtml(describeTests(analysis))} ${escapeHtml(users.join('; '))}.</p>
${forests.join('\n')}
${table(analysis, metrics, label)}</section>`;
}

/** A page around sections. */
export function renderPage({ title, facts = {}, config }: PageFrame, sections: readonly string[]): string {
  const cells = Object.entries(facts).map(([name, value]) => {
    const text = typeof value === 'number' ? value.toLocaleString('en') : value;
    return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd></div>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${reportStyle}.forest .zero { position: absolute; top: -0.3rem; bottom: -0.3rem; width: 1px; background: var(--muted); } .forest div { grid-template-columns: minmax(7rem, 14rem) 1fr 11rem; }
@media (max-width: 34rem) { .forest div { grid-template-columns: 6.2rem 1fr; } .forest output { grid-column: 1 / -1; } }</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${cells.length > 0 ? `<dl class="facts">${cells.join('')}</dl>` : ''}
${sections.join('\n')}
${config === undefined ? '' : `<section><h2>Configuration</h2><details><summary>Resolved configuration</summary><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre></details></section>`}
</main>
</body>
</html>
`;
}

/** A mean or an effect on its interval. */
interface Estimate extends Interval {
  label: string;
  /** The numbers. */
  text: string;
  isSignificant?: boolean;
}

/** Estimates below one another, on an axis that has 0. */
function forest(title: string, estimates: readonly Estimate[]): string {
  const shown = estimates.filter(({ mean, low, high }) => [mean, low, high].every(Number.isFinite));
  if (shown.length === 0) return '';
  const start = Math.min(0, ...shown.map(({ low }) => low));
  const width = Math.max(0, ...shown.map(({ high }) => high)) - start || 1;
  const at = (value: number) => `${((100 * (value - start)) / width).toFixed(2)}%`;
  const lines = shown.map(({ label, mean, low, high, text, isSignificant }) => {
    const numbers = escapeHtml(text);
    return `<div><span>${escapeHtml(label)}</span><span class="track"><i class="zero" style="left:${at(0)}"></i><i class="range" style="left:${at(low)};width:${((100 * (high - low)) / width).toFixed(2)}%"></i><i class="point" style="left:${at(mean)}"></i></span><output>${isSignificant ? `<b>${numbers}</b>` : numbers}</output></div>`;
  });
  return `<div class="forest"><h3>${escapeHtml(title)}</h3>${lines.join('')}</div>`;
}

function table({ groups, effects }: ExperimentAnalysis, metrics: readonly string[], label: Label): string {
  const body = metrics.map((metric) => {
    const rows = groups.map(({ treatment, metrics: own }) => {
      const { n, mean, variance } = own[metric];
      const effect = effects.find((one) => one.metric === metric && one.treatment === treatment);
      const cells = effect
        ? [
            shownPercent(effect.percent.mean),
            `${shownPercent(effect.percent.low)} to ${shownPercent(effect.percent.high)}`,
            shownPValue(effect.adjustedPValue),
            effect.isSignificant ? '<b>significant</b>' : '',
          ]
        : ['', '', '', 'control'];
      return `<tr><th scope="row">${escapeHtml(label(treatment))}</th><td>${n.toLocaleString('en')}</td><td>${shownMean(mean)}</td><td>${shownMean(variance)}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    });
    return `<tbody><tr class="group"><th colspan="8"><span>${escapeHtml(metric)}</span></th></tr>${rows.join('')}</tbody>`;
  });
  const head = ['Treatment', 'Users', 'Mean', 'Variance', 'Effect', 'Interval', 'p', ''];
  return `<div class="scroll"><table><thead><tr>${head.map((text) => `<th>${text}</th>`).join('')}</tr></thead>${body.join('')}</table></div>`;
}
