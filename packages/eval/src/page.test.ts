import { describe, expect, it } from 'vitest';
import { createChartDrawing, renderPage } from './index.js';

const nasty = '<b>"&\'';
const escaped = '&#60;b&#62;&#34;&#38;&#39;';

describe('renderPage', () => {
  it('has what its frame says, in order, and escapes it', () => {
    const page = renderPage(
      {
        title: nasty,
        heading: `heading ${nasty}`,
        warning: `warning ${nasty}`,
        lead: `lead ${nasty}`,
        facts: { [nasty]: nasty, Users: 12_345, Share: 0.123456 },
        config: { note: nasty },
        footer: `footer ${nasty}`,
        style: '.own { color: red; }',
      },
      [{ title: `section ${nasty}`, content: '<p>markup</p>' }],
    );
    const parts = [
      `<title>${escaped}</title>`,
      '.own { color: red; }</style>',
      `<p class="warning" role="alert">warning ${escaped}</p>`,
      `<h1>heading ${escaped}</h1>`,
      `<p class="lead">lead ${escaped}</p>`,
      `<dt>${escaped}</dt><dd>${escaped}</dd>`,
      '<dt>Users</dt><dd>12,345</dd>',
      '<dt>Share</dt><dd>0.1235</dd>',
      `<section><h2>section ${escaped}</h2><p>markup</p></section>`,
      '<h2>Configuration</h2>',
      `<footer>footer ${escaped}</footer>`,
    ];
    const places = parts.map((part) => page.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(page).not.toContain('<b>');
  });

  it('leaves out what its frame does not say', () => {
    const page = renderPage({ title: 'Plain' }, []);
    expect(page.slice(page.indexOf('<main>'))).toBe('<main>\n\n<h1>Plain</h1>\n</main>\n</body>\n</html>\n');
  });
});

describe('curveCards', () => {
  it('names the lines where there are several', async () => {
    const { curveCards } = await createChartDrawing();
    const series = [
      { name: nasty, x: [1, 2], y: [1, 2] },
      { name: 'other', x: [1, 2], y: [2, 1] },
    ];
    const cards = curveCards([
      { title: 'two', xLabel: 'step', series },
      { title: nasty, xLabel: 'step', series: series.slice(1) },
    ]);
    expect(cards.match(/<svg /g)).toHaveLength(2);
    expect(cards.match(/<ul class="legend">.*?<\/ul>/g)).toEqual([
      `<ul class="legend"><li><i style="background:var(--series-1)"></i>${escaped}</li><li><i style="background:var(--series-2)"></i>other</li></ul>`,
    ]);
    expect(cards).toContain(`<div class="card"><h3>${escaped}</h3><svg `);
  });
});
