import { escapeHtml, type PageFrame, type PageSection, renderPage } from '@codebeam/eval';
import type { Effect, ExperimentAnalysis } from './analyse-experiment.js';
import { describeTests, shownMean, shownPercent, shownPValue } from './format-experiment.js';

/**
 * An experiment as one page that needs nothing else: no network, no script, every text escaped. Equal analyses give equal bytes.
 *
 * @param policies  what each treatment is, the control's first
 */
export function renderExperiment(
  analysis: ExperimentAnalysis,
  { policies, ...frame }: Partial<PageFrame> & { policies?: readonly string[] } = {},
): string {
  return renderPage({ title: analysis.experiment, style: experimentStyle, ...frame }, [
    experimentSection(analysis, policies),
  ]);
}

/** Rules that a page with {@link experimentSection} needs: intervals on an axis with 0 in it, and their numbers beside them. */
export const experimentStyle = `.forest .zero { position: absolute; top: -0.3rem; bottom: -0.3rem; width: 1px; background: var(--muted); }
.forest div { grid-template-columns: minmax(7rem, 14rem) 1fr 11rem; }
@media (max-width: 34rem) { .forest div { grid-template-columns: 6.2rem 1fr; } .forest output { grid-column: 1 / -1; } }
`;

/** Intervals of all effects by metric, and the numbers. */
export function experimentSection(analysis: ExperimentAnalysis, policies: readonly string[] = []): PageSection {
  const { groups, effects } = analysis;
  const label = (treatment: string) => {
    const policy = policies[groups.findIndex((group) => group.treatment === treatment)];
    return policy ? `${treatment} ${policy}` : treatment;
  };
  const metrics = [...new Set(effects.map(({ metric }) => metric))];
  const forests = metrics.map((metric) =>
    forest(
      metric,
      effects.filter((effect) => effect.metric === metric),
      label,
    ),
  );
  const users = groups.map((group) => `${label(group.treatment)}: ${group.users.toLocaleString('en')} users`);
  return {
    title: `Effects of ${analysis.experiment}`,
    content: `<p>Against the control, in percent of its mean over users. ${escapeHtml(describeTests(analysis))} ${escapeHtml(users.join('; '))}.</p>
${forests.join('\n')}
${table(analysis, metrics, label)}`,
  };
}

/** A metric's effects on their intervals, on an axis that has 0. */
function forest(metric: string, effects: readonly Effect[], label: (treatment: string) => string): string {
  const shown = effects.filter(({ percent }) => Object.values(percent).every(Number.isFinite));
  if (shown.length === 0) return '';
  const low = Math.min(0, ...shown.map(({ percent }) => percent.low));
  const width = Math.max(0, ...shown.map(({ percent }) => percent.high)) - low || 1;
  const at = (value: number) => `${((100 * (value - low)) / width).toFixed(2)}%`;
  const lines = shown.map(({ treatment, percent, isSignificant }) => {
    const text = `${shownPercent(percent.mean)} [${shownPercent(percent.low)}, ${shownPercent(percent.high)}]`;
    return `<div><span>${escapeHtml(label(treatment))}</span><span class="track"><i class="zero" style="left:${at(0)}"></i><i class="range" style="left:${at(percent.low)};width:${(((percent.high - percent.low) / width) * 100).toFixed(2)}%"></i><i class="point" style="left:${at(percent.mean)}"></i></span><output>${isSignificant ? `<b>${text}</b>` : text}</output></div>`;
  });
  return `<div class="forest"><h3>${escapeHtml(metric)}, effect in percent</h3>${lines.join('')}</div>`;
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
