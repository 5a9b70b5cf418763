import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixtures/evaluation-of.js';
import { type BuildResultsOptions, buildResults, formatResults, mainMetrics, sliceByHistoryLength } from './index.js';

const tiger = evaluationOf([1, 2, 0, 0], { name: 'tiger' });
const markov = evaluationOf([1, 0, 0, 0], { name: 'markov', parameters: { fittedOn: 'train' } });
const unmasked = evaluationOf([3, 0, 0, 0], { name: 'markov', maskHistory: false, repeatedTargets: 1 });

const options: BuildResultsOptions = {
  run: 'amazon-beauty',
  dataset: { name: 'Amazon Beauty', source: 'files', users: 22_363, items: 12_101, interactions: 198_502 },
  split: 'test',
  protocol: { ties: 'file', historyMask: 'on', maxHistory: 20 },
  seed: 42,
  entries: [{ evaluation: markov }, { evaluation: tiger }, { evaluation: unmasked }],
};

describe('buildResults', () => {
  const results = buildResults(options);

  it('has every metric at every k with its interval', () => {
    const { metrics } = results.models[1];
    const names = ['recall', 'ndcg', 'hitRate', 'mrr', 'precision', 'map', 'coverage', 'invalidIdRate'];
    expect(Object.keys(metrics)).toEqual(names.flatMap((name) => [1, 5, 10].map((k) => `${name}@${k}`)));
    expect(metrics['recall@1'].mean).toBe(0.25);
    expect(metrics['recall@10'].mean).toBe(0.5);
    expect(metrics['mrr@5'].mean).toBe(0.375);
    expect(metrics['ndcg@5'].mean).toBeCloseTo((1 + 1 / Math.log2(3)) / 4, 12);
    expect(metrics['invalidIdRate@10']).toEqual({ mean: 0, low: 0, high: 0 });
    for (const { mean, low, high } of Object.values(metrics)) {
      expect(low).toBeLessThanOrEqual(mean);
      expect(high).toBeGreaterThanOrEqual(mean);
    }
  });

  it("repeats the protocol where a row's own differs, and says how many targets the history holds", () => {
    expect(results.models.map(({ name, protocol }) => [name, protocol?.historyMask])).toEqual([
      ['markov', undefined],
      ['tiger', undefined],
      ['markov', 'off'],
    ]);
    expect(results.models.map(({ repeatedTargets }) => repeatedTargets)).toEqual([undefined, undefined, 1]);
  });

  it('compares with tiger within a protocol', () => {
    expect(results.comparisons.map(({ model, reference, metric }) => [model, reference, metric])).toEqual([
      ['markov', 'tiger', 'recall@10'],
      ['markov', 'tiger', 'ndcg@10'],
    ]);
    expect(results.comparisons[0].difference.mean).toBe(-0.25);
  });

  it('compares with the highest NDCG where tiger is not in the table', () => {
    const other = evaluationOf([5, 0, 0, 0], { name: 'most-popular' });
    const { comparisons } = buildResults({ ...options, entries: [{ evaluation: other }, { evaluation: markov }] });
    expect(comparisons[0]).toMatchObject({ model: 'most-popular', reference: 'markov' });
  });

  it('adds slices where asked', () => {
    const { models } = buildResults({
      ...options,
      entries: [{ evaluation: tiger, slices: sliceByHistoryLength(tiger, [6]) }],
    });
    expect(models[0].slices?.map(({ name, users }) => [name, users])).toEqual([
      ['up to 5', 2],
      ['6 and more', 2],
    ]);
    expect(models[0].slices?.[0].metrics['recall@10']?.mean).toBe(1);
  });

  it('refuses two rows that cannot be told apart', () => {
    expect(() => buildResults({ ...options, entries: [{ evaluation: tiger }, { evaluation: tiger }] })).toThrow(
      'eval: rows of a results table must differ in name or protocol, got tiger twice',
    );
    buildResults({ ...options, entries: [{ evaluation: tiger }, { evaluation: tiger, ties: 'shuffled' }] });
  });

  it('survives JSON', () => {
    expect(JSON.parse(JSON.stringify(results))).toEqual(results);
  });
});

describe('formatResults', () => {
  it('aligns means and half intervals, in a block per protocol', () => {
    const text = formatResults(buildResults(options), ['recall@5', 'ndcg@10']);
    expect(text).toContain('Amazon Beauty (files), 22,363 users, 12,101 items, 198,502 interactions');
    expect(text).toContain('test split, full ranking, seed 42');
    const lines = text.split('\n');
    expect(lines).toContain('ties in file order, history mask on, last 20 items as history');
    expect(lines).toContain('ties in file order, history mask off, last 20 items as history');
    const [header, rule, first, second] = lines.slice(lines.findIndex((line) => line.startsWith('model')));
    expect(header).toBe('model   fitted on  users        recall@5         ndcg@10');
    expect(rule).toBe('-'.repeat(header.length));
    expect(first).toMatch(/^markov {2}train {10}4 {2}0\.2500 ±0\.\d{4} {2}0\.2500 ±0\.\d{4}$/);
    expect(second).toMatch(/^tiger {18}4 {2}0\.5000 ±0\.\d{4} {2}0\.4077 ±0\.\d{4}$/);
    expect(text).not.toContain('SYNTHETIC');
  });

  it('has columns for the cut-offs that there are', () => {
    const results = buildResults(options);
    const columnsAt = (...ks: number[]) => {
      const metrics = Object.fromEntries(
        ks.flatMap((k) => ['recall', 'ndcg', 'coverage'].map((name) => [`${name}@${k}`, { mean: 0, low: 0, high: 0 }])),
      );
      const text = formatResults({ ...results, models: [{ ...results.models[0], metrics }] });
      const header = text.split('\n').find((line) => line.startsWith('model'));
      return header?.split(/ {2,}/).slice(3).join(' ');
    };
    const standard = 'recall@5 ndcg@5 recall@10 ndcg@10 coverage@10 invalidIdRate@10';
    expect(columnsAt(1, 5, 10, 20)).toBe(standard);
    expect(columnsAt(20, 10, 5)).toBe(standard);
    expect(columnsAt(1, 5)).toBe('recall@1 ndcg@1 recall@5 ndcg@5 coverage@5 invalidIdRate@5');
    expect(columnsAt(10)).toBe('recall@10 ndcg@10 coverage@10 invalidIdRate@10');
  });

  it('mainMetrics are those of sessions where there is no NDCG', () => {
    const [model] = buildResults(options).models;
    const tableOf = (...metrics: string[]) => ({
      models: [{ ...model, metrics: Object.fromEntries(metrics.map((name) => [name, { mean: 0, low: 0, high: 0 }])) }],
    });
    const ks = [5, 10, 20, 50];
    const sessions = ['recall@10', 'mrr@10', 'recall@20', 'mrr@20'];
    expect(mainMetrics(tableOf(...ks.flatMap((k) => [`recall@${k}`, `mrr@${k}`])))).toEqual(sessions);
    expect(mainMetrics(tableOf(...ks.map((k) => `ndcg@${k}`)))).toEqual(['recall@5', 'ndcg@5', 'recall@10', 'ndcg@10']);
  });

  it('says loudly that a sample is not the data', () => {
    const results = buildResults({ ...options, dataset: { ...options.dataset, source: 'sample' } });
    expect(formatResults(results)).toMatch(
      /^=+\nSYNTHETIC SAMPLE, NOT THE REAL DATA: .* nothing about Amazon Beauty\.\n=+\n/,
    );
  });
});
