import { escapeHtml, type Interval, type PageFrame, type PageSection, renderPage, welchTest } from '@codebeam/eval';
import type { ExperimentAnalysis } from './analyse-experiment.js';
import {
  describeTests,
  shownLevel,
  shownMean,
  shownPercent,
  shownPValue,
  shownTreatment,
} from './format-experiment.js';

/**
 * An experiment as one page that needs nothing else: no network, no script, every text escaped. Equal analyses give equal bytes.
 *
 * @param analyses  of one experiment; several where treatments are compared with more than one
 * @param options.policies  what each treatment is, the control first
 */
export function renderExperiment(
  analyses: ExperimentAnalysis | readonly [ExperimentAnalysis, ...ExperimentAnalysis[]],
  { policies, ...frame }: Partial<PageFrame> & { policies?: readonly string[] } = {},
): string {
  const all = 'experiment' in analyses ? ([analyses] as const) : analyses;
  return renderPage({ title: all[0].experiment, style: experimentStyle, ...frame }, [
    meansSection(all[0], policies),
    ...all.map((analysis) => experimentSection(analysis, policies)),
  ]);
}

/** Rules that a page with {@link experimentSection} needs: intervals on an axis with 0 in it, and their numbers beside them. */
export const experimentStyle = `.forest .zero { position: absolute; top: -0.3rem; bottom: -0.3rem; width: 1px; background: var(--muted); }
.forest div { grid-template-columns: minmax(7rem, 14rem) 1fr 15rem; }
@media (max-width: 44rem) { .forest div { grid-template-columns: 8rem 1fr; } .forest output { grid-column: 1 / -1; } }
`;

/** The mean of each treatment by metric, on its interval. */
function meansSection(analysis: ExperimentAnalysis, policies?: readonly string[]): PageSection {
  const { groups, alpha } = analysis;
  const label = (treatment: string) => shownTreatment(treatment, policies);
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
  return {
    title: `Means of ${analysis.experiment}`,
    content: `<p>Each with the ${shownLevel(alpha)} t-interval of its own.</p>
${forests.join('\n')}`,
  };
}

/** Intervals of all effects by metric, and the numbers. */
export function experimentSection(analysis: ExperimentAnalysis, policies?: readonly string[]): PageSection {
  const { experiment, control, groups, effects } = analysis;
  const label = (treatment: string) => shownTreatment(treatment, policies);
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
  return {
    title: `Effects of ${experiment} against ${label(control)}`,
    content: `<p>In percent of its mean over users. ${escapeHtml(describeTests(analysis))} ${escapeHtml(users.join('; '))}.</p>
${forests.join('\n')}
${table(analysis, metrics, label)}`,
  };
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

function table(
  { groups, effects }: ExperimentAnalysis,
  metrics: readonly string[],
  label: (treatment: string) => string,
): string {
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
