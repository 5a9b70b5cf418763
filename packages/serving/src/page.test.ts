import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { emptyRecommendations, type Recommender } from '@codebeam/eval';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ListRequest } from './answer-requests.js';
import type { Service } from './create-app.js';
import { createService } from './create-service.js';
import { type Model, recommenderModel } from './model.js';

// A browser takes its time where cores are few.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));
if (!executablePath) console.warn('skipped: tests of the page, as no Chromium is installed');

const items = [
  { id: 'tea', title: 'Green tea', brand: 'Ajwa' },
  { id: 'cup', title: 'Tea cup <b>bold</b>' },
  { id: 'pot', title: 'Pot' },
  { id: 'jam' },
];

/** Lists the items from the last to the first, or the other way round. */
const inOrder = (name: string, from: 'first' | 'last'): Recommender => ({
  name,
  async recommend(histories, k, { maskHistory }) {
    const lists = emptyRecommendations(histories.length, k);
    for (const [row, history] of histories.entries()) {
      const listed = [...items.keys()].filter((item) => !maskHistory || !history.includes(item));
      if (from === 'last') listed.reverse();
      for (const [place, item] of listed.slice(0, k).entries()) {
        lists.items[row * k + place] = item;
        lists.scores[row * k + place] = -place;
      }
    }
    return lists;
  },
});

/** As TIGER answers: with codes, and what each adds to the probability. */
function generator(): Model {
  const model = recommenderModel(inOrder('generator', 'first'), items);
  return {
    ...model,
    about: { ...model.about, kind: 'tiger', beamWidth: 20, sizes: [4, 4] },
    codesOf: (item) => [item >> 1, item & 1],
    async recommend(requests: readonly ListRequest[]) {
      const answers = await model.recommend(requests.map(({ beamWidth: _, ...request }) => request));
      return answers.map((answer) => {
        if ('refused' in answer) return answer;
        const prefixScores = Float32Array.from(answer.scores).map((_, place) => Math.log(0.5) - place);
        return { ...answer, prefixScores: Float32Array.from([...prefixScores].flatMap((half) => [half, 2 * half])) };
      });
    },
  };
}

const idle = { append: async () => {}, files: [], close: async () => {} };

describe.skipIf(!executablePath)('the page', () => {
  let browser: Browser;
  let service: Service;
  let url: string;
  let faults: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    service = await createService({
      models: { tiger: generator, other: () => recommenderModel(inOrder('other', 'last'), items) },
      sessions: () => ({
        experiments: [{ name: 'SPLIT', treatments: [undefined, { name: 'in-order', next: () => [] }] }],
      }),
      log: idle,
      analyse: async () => ({
        SPLIT: [
          {
            metric: 'mean_time_per_session',
            treatments: [
              { treatment: 'C', users: 1200, mean: 2.5 },
              {
                treatment: 'T1',
                users: 1190,
                mean: 3,
                effect: { percent: 20, low: 15.5, high: 24.5, isSignificant: true },
              },
            ],
          },
        ],
      }),
    });
    url = await service.listen({ port: 0 });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  /** A page whose every complaint counts, but for those of requests that are to fail. */
  async function open(
    at = url,
    viewport = { width: 1280, height: 900 },
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<Page> {
    const page = await browser.newPage({ viewport, colorScheme });
    faults = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
        faults.push(message.text());
    });
    await page.goto(at);
    return page;
  }
  const titles = (page: Page, list: number) =>
    page
      .locator('.list')
      .nth(list)
      .locator('.title')
      .evaluateAll((all) => all.map((one) => one.firstChild!.textContent));

  it('shows, by keyboard alone, what two models list for picked items, with codes and scores', async () => {
    const page = await open();
    await page.getByRole('combobox', { name: 'Search items' }).focus();
    await page.keyboard.type('tea');
    await page.locator('#found [role=option]').first().waitFor();
    expect(await page.locator('#found [role=option]').count()).toBe(2); // the id, and the cup
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('#found [role=option]').nth(1).getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('Enter');
    await page.locator('.list').nth(1).waitFor();
    expect(await page.locator('.history li span').allTextContents()).toEqual(['Tea cup <b>bold</b>']); // text, not markup
    expect(await titles(page, 0)).toEqual(['Green tea', 'Pot', 'jam']);
    expect(await titles(page, 1)).toEqual(['jam', 'Pot', 'Green tea']);
    expect(await page.locator('.list').nth(0).locator('.score').allTextContents()).toEqual([
      '0.000other list: 3',
      '−1.000other list: 2',
      '−2.000other list: 1',
    ]);
    const first = page.locator('.list').nth(0).locator('li').first().locator('.code');
    expect(await first.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))).toEqual([
      'level 1: code 0, 50.0 %',
      'level 2: code 0, 50.0 %',
    ]);
    expect(await page.locator('.tree path').count()).toBe(2 + 3); // two first codes, three items
    await page.keyboard.press('Backspace');
    await page.getByText('will be here').waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  it('keeps what it shows in its address', async () => {
    const page = await open(`${url}/#history=pot,tea&b=&k=1`);
    await page.locator('.list').waitFor();
    expect(await page.locator('.history li span').allTextContents()).toEqual(['Pot', 'Green tea']);
    expect(await page.locator('.list').count()).toBe(1);
    expect(await titles(page, 0)).toEqual(['Tea cup <b>bold</b>']);
    await page.getByLabel('Remove Pot').click();
    await page.waitForURL(/history=tea&/);
    await page.getByLabel('compared with').selectOption('other');
    await page.locator('.list').nth(1).waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  it("shows the experiment's effects with their intervals", async () => {
    const page = await open();
    const row = page.locator('.effect').nth(1);
    await row.waitFor();
    expect(await row.textContent()).toBe('T13+20.0 % [+15.5, +24.5]');
    const range = await row
      .locator('.range')
      .evaluate((one: { style: { left: string; width: string } }) => one.style.left);
    expect(Number.parseFloat(range)).toBeCloseTo((100 * 15.5) / 24.5, 2);
    await page.close();
  });

  it.each([
    [375, 'light'],
    [375, 'dark'],
    [1280, 'dark'],
  ] as const)('fits %i px in %s, text and its ground far enough apart', async (width, scheme) => {
    const page = await open(`${url}/#history=tea`, { width, height: 812 }, scheme);
    await page.locator('.list').nth(1).waitFor();
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
    const contrasts = (await page.evaluate(contrastsInPage)) as number[];
    expect(contrasts.length).toBeGreaterThan(10);
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('says what went wrong, and goes on', async () => {
    const page = await open(`${url}/#history=tea`);
    await page.locator('.list').nth(1).waitFor();
    await page.route('**/recommend', (route) => route.abort());
    await page.getByLabel('list the history again').check();
    await page.getByText('The service cannot be reached.').first().waitFor();
    await page.unroute('**/recommend');
    await page.getByLabel('list the history again').uncheck();
    await page.locator('.list .code').first().waitFor();
    await page.close();
  });

  it('asks for the key where the service has one', async () => {
    const guarded = await createService({ models: { tiger: generator }, apiKey: 'sesame' });
    try {
      const page = await open(await guarded.listen({ port: 0 }));
      await page.getByRole('alert').getByText('asks for an API key').waitFor();
      await page.getByLabel('asks for an API key').fill('sesame');
      await page.keyboard.press('Enter');
      await page.getByText('What comes next of 4 items').waitFor();
      expect(await page.locator('#key-form').isVisible()).toBe(false);
      expect(faults).toEqual([]);
      await page.close();
    } finally {
      await guarded.close();
    }
  });
});

/** Contrast of every text that is seen with the nearest ground that is painted (WCAG 2.2, 1.4.3), as a program for the page. */
const contrastsInPage = `(() => {
  const parse = (color) => {
    const numbers = color.match(/[\\d.]+/g).map(Number);
    return color.startsWith('color(') ? [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1] : [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha] = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [r, g, b];
      if (alpha > 0) return groundOf(at.parentElement).map((under, i) => under * (1 - alpha) + [r, g, b][i] * alpha);
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor).slice(0, 3);
  };
  return [...document.querySelectorAll('main *')]
    .filter((element) => !element.closest('svg') && element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .map((element) => {
      const [a, b] = [parse(getComputedStyle(element).color).slice(0, 3), groundOf(element)].map(luminance);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
})()`;
