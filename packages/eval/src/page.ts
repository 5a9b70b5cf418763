import { pageStyle } from './page-style.js';

/** What a page says around its sections. */
export interface PageFrame {
  title: string;
  /** Over the page; the title when left out. */
  heading?: string;
  /** Over the heading, as an alert. */
  warning?: string;
  /** Under the heading. */
  lead?: string;
  /** By label, for the head of the page. */
  facts?: Readonly<Record<string, string | number>>;
  /** The resolved configuration; printed as JSON. */
  config?: unknown;
  footer?: string;
  /** Rules of its own, after those of all pages. */
  style?: string;
}

/** A part of a page; its content is markup. */
export interface PageSection {
  title: string;
  content: string;
}

/** A page that needs nothing else: no network, no script, its style inline, every text escaped. */
export function renderPage(frame: PageFrame, sections: readonly PageSection[]): string {
  const { title, heading = title, warning, lead, facts = {}, config, footer, style = '' } = frame;
  const parts = [
    `<h1>${escapeHtml(heading)}</h1>`,
    lead && `<p class="lead">${escapeHtml(lead)}</p>`,
    Object.keys(facts).length > 0 && factList(facts),
    ...[...sections, ...(config === undefined ? [] : [configuration(config)])].map(
      ({ title, content }) => `<section><h2>${escapeHtml(title)}</h2>${content}</section>`,
    ),
    footer && `<footer>${escapeHtml(footer)}</footer>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}${style}</style>
</head>
<body>
<main>
${warning ? `<p class="warning" role="alert">${escapeHtml(warning)}</p>` : ''}
${parts.filter(Boolean).join('\n')}
</main>
</body>
</html>
`;
}

function configuration(config: unknown): PageSection {
  const text = escapeHtml(JSON.stringify(config, null, 2));
  return {
    title: 'Configuration',
    content: `<details><summary>Resolved configuration</summary><pre>${text}</pre></details>`,
  };
}

/** Short facts by label; whole numbers as they are, others with four digits. */
export function factList(facts: Readonly<Record<string, string | number>>): string {
  const cells = Object.entries(facts).map(
    ([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(formatFact(value))}</dd></div>`,
  );
  return `<dl class="facts">${cells.join('')}</dl>`;
}

function formatFact(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(4)));
}

/** @param content  markup under the title */
export function card(title: string, content: string): string {
  return `<div class="card"><h3>${escapeHtml(title)}</h3>${content}</div>`;
}

/** Cards side by side, as many as there is room for. */
export function grid(cards: readonly string[], width: '' | ' wide' = ''): string {
  return `<div class="grid${width}">${cards.join('')}</div>`;
}

/** Names with the colours that stand for them. */
export function legend(entries: readonly { name: string; color: string }[]): string {
  const names = entries.map(({ name, color }) => `<li><i style="background:${color}"></i>${escapeHtml(name)}</li>`);
  return `<ul class="legend">${names.join('')}</ul>`;
}

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
