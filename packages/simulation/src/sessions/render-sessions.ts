import { type Curve, createChartDrawing, escapeHtml, type PageFrame, renderPage } from '@codebeam/eval';
import type { ExperimentAnalysis } from '../experiments/analyse-experiment.js';
import { experimentSection, experimentStyle } from '../experiments/render-experiment.js';
import type { Sessions } from '../experiments/sessionise.js';
import { sessionMeans } from './session-means.js';

/** Sessions under one policy. */
export interface PolicySessions {
  policy: string;
  sessions: Sessions;
  /** Those under the policy; all when left out. */
  rows?: Int32Array;
}

/**
 * Policies side by side as one page that needs nothing else: no network, no script, charts inline, every text escaped. Equal sessions
 * give equal bytes.
 */
export async function renderSessions(
  policies: readonly PolicySessions[],
  frame: PageFrame,
  experiment?: ExperimentAnalysis,
): Promise<string> {
  const { curveCards } = await createChartDrawing();
  const distributions = [
    distribution('Tracks of a session', 'tracks', policies, ({ tracks }, row) => tracks[row]),
    distribution('Listening time of a session', 'time, in tracks', policies, ({ time }, row) => Math.floor(time[row])),
  ];
  const names = policies.map(({ policy }) => policy);
  return renderPage({ style: experimentStyle, ...frame }, [
    {
      title: 'Policies',
      content: `<p>Means over sessions. Tracks less time is the session budget, but for chance, whatever the policy.</p>${table(policies)}
${curveCards(distributions)}`,
    },
    ...(experiment ? [experimentSection(experiment, names)] : []),
  ]);
}

function table(policies: readonly PolicySessions[]): string {
  const rows = policies.map(({ policy, sessions, rows }) => {
    const means = sessionMeans(sessions, rows);
    const error = 1.96 * means.standard_error; // NaN of a single session
    const cells = [
      means.sessions.toLocaleString('en'),
      means.users.toLocaleString('en'),
      means.mean_tracks_per_session.toFixed(3),
      `${means.mean_time_per_session.toFixed(3)}${Number.isNaN(error) ? '' : `<small>±${error.toFixed(3)}</small>`}`,
      means.mean_tracks_minus_time.toFixed(3),
    ];
    return `<tr><th scope="row">${escapeHtml(policy)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const head = ['Policy', 'Sessions', 'Users', 'Tracks', 'Time', 'Tracks less time'];
  return `<div class="scroll"><table><thead><tr>${head.map((text) => `<th>${text}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** Shares of sessions by a whole number, which ends where few come: all but one in a thousand are shorter. */
function distribution(
  title: string,
  xLabel: string,
  policies: readonly PolicySessions[],
  measure: (sessions: Sessions, row: number) => number,
): Curve {
  const values = policies.map(({ sessions, rows = Int32Array.from(sessions.users.keys()) }) =>
    Array.from(rows, (row) => measure(sessions, row)),
  );
  const sorted = Int32Array.from(values.flat()).sort();
  const longest = Math.max(10, sorted[Math.floor(0.999 * (sorted.length - 1))] ?? 0);
  const series = policies.map(({ policy }, i) => {
    const counts = new Float64Array(longest + 1);
    for (const value of values[i]) counts[Math.min(longest, value)]++;
    return { name: policy, x: Array.from(counts.keys()), y: counts.map((count) => count / values[i].length) };
  });
  return { title: `${title}, share of sessions`, xLabel: `${xLabel} (${longest}: and more)`, series };
}
