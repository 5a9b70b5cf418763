import { beforeAll, describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixtures/evaluation-of.js';
import { buildResults, type ReportData, renderReport, sliceByHistoryLength } from './index.js';

const tiger = evaluationOf([1, 2, 0, 0], { name: 'tiger' });
const markov = evaluationOf([1, 0, 0, 0], { name: 'markov', parameters: { fittedOn: 'train' } });
const nasty = '<script>alert("x")</script> & \'co\'';

const results = buildResults({
  run: 'my-shop',
  dataset: { name: 'My Shop', source: 'files', users: 4, items: 1000, interactions: 50 },
  split: 'test',
  protocol: { ties: 'file', historyMask: 'on', maxHistory: 20 },
  seed: 42,
  entries: [markov, tiger].map((evaluation) => ({ evaluation, slices: sliceByHistoryLength(evaluation) })),
});

const data: ReportData = {
  results,
  facts: { Commit: 'abc1234', Backend: nasty },
  config: { seed: 42, note: nasty },
  curves: [
    {
      title: 'TIGER loss',
      xLabel: 'step',
      series: [
        { name: nasty, x: [1, 2, 3], y: [3, 2, 1.5] },
        { name: 'validation', x: [3], y: [2] },
      ],
    },
    { title: nasty, xLabel: nasty, scale: 'log', series: [{ name: 'loss', x: [1, 2], y: [10, 0.1] }] },
  ],
  tokenizer: { 'Collision rate': 0.0234, 'Largest group': 9 },
  semanticIds: { sizes: [2, 3, 1], codes: Int32Array.of(0, 0, 0, 0, 1, 0, 1, 2, 0, 1, 1, 0) },
  categories: [nasty, 'hair', 'hair', undefined],
  examples: [
    {
      user: nasty,
      history: Array.from({ length: 11 }, (_, item) => `${item} ${nasty}`),
      target: nasty,
      lists: [
        {
          model: 'tiger',
          rank: 2,
          items: [
            { title: 'miss', isTarget: false },
            { title: nasty, isTarget: true },
          ],
        },
        { model: 'markov', rank: 0, items: [] },
      ],
    },
  ],
};

describe('renderReport', () => {
  let html: string;
  beforeAll(async () => {
    html = await renderReport(data);
  });

  it('shows means, half intervals, paired differences and slices', () => {
    expect(html).toContain('<b>0.5000</b>');
    expect(html).toContain('−0.1577');
    expect(html).toContain('n = 4 users');
    expect(html).toContain('Recall@10 by slice');
    expect(html).toContain('fitted on train');
  });

  it('draws each curve and each level as inline SVG, and says how codes are used', () => {
    expect(html.match(/<svg /g)).toHaveLength(2 + 3);
    expect(html).toContain('3 of 3 codes used, perplexity 2.8');
    expect(html).toContain('2 of 2 codes used, perplexity 2.0');
    expect(html).toContain('Collision code');
  });

  it('shows an example user with the end of the history and the hit marked', () => {
    expect(html).toContain('History, last 8 of 11');
    expect(html).toContain('<ol start="4">');
    expect(html.match(/class="hit"/g)).toHaveLength(1);
    expect(html).toContain('tiger: target at 2');
    expect(html).toContain('markov: target not listed');
  });

  it('escapes every text it is given', () => {
    expect(html).not.toContain('<script');
    expect(html).not.toContain("& 'co'");
    expect(html).toContain('&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; &#39;co&#39;');
  });

  it('needs no network and no script', () => {
    expect(html).not.toMatch(/(src|href)=|url\((?!#)|@import/);
    const addresses = html.match(/https?:[^"']*/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  });

  it('gives equal data equal bytes', async () => {
    expect(await renderReport(data)).toBe(html);
  });

  it('needs results only', async () => {
    const plain = await renderReport({ results });
    expect(plain).toContain('<h2>Results</h2>');
    for (const title of ['Training', 'Semantic IDs', 'What prefixes mean', 'Example users', 'Configuration']) {
      expect(plain).not.toContain(`<h2>${title}</h2>`);
    }
    expect(plain).not.toContain('SYNTHETIC');
  });

  it('says loudly that a sample is not the data', async () => {
    const sample = { ...results, dataset: { ...results.dataset, source: 'sample' as const } };
    const page = await renderReport({ results: sample });
    expect(page).toContain('<p class="warning" role="alert">SYNTHETIC SAMPLE, NOT THE REAL DATA');
    expect(page).toContain('synthetic sample');
  });
});
