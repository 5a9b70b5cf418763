import { createGenerator, createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixtures/evaluation-of.js';
import { compareModels } from './index.js';

const options = { seed: 42 };

describe('compareModels', () => {
  it('finds a small steady gain that unpaired intervals would hide', () => {
    // 400 users; both hit the same 100, the model hits 12 more: unpaired half-widths are .04, the gain is .03.
    const reference = Array.from({ length: 400 }, (_, user) => (user < 100 ? 2 : 0));
    const model = reference.map((rank, user) => (user >= 100 && user < 112 ? 1 : rank));
    const [{ difference, pValue, ...rest }] = compareModels(
      evaluationOf(model, { name: 'tiger' }),
      evaluationOf(reference, { name: 'markov' }),
      ['recall@10'],
      options,
    );
    expect(rest).toEqual({ model: 'tiger', reference: 'markov', metric: 'recall@10', users: 400 });
    expect(difference.mean).toBeCloseTo(0.03, 12);
    expect(difference.low).toBeGreaterThan(0.012);
    expect(difference.high).toBeLessThan(0.05);
    expect(pValue).toBeCloseTo(2 / 1001, 12);
  });

  it('finds none between models that are as good on different users', () => {
    const generator = createGenerator(createKey(1, 'sample'));
    const draw = () => evaluationOf(Array.from({ length: 500 }, () => (generator.uniform() < 0.2 ? 3 : 0)));
    const [{ difference, pValue }] = compareModels(draw(), draw(), ['ndcg@5'], options);
    expect(difference.low).toBeLessThan(0);
    expect(difference.high).toBeGreaterThan(0);
    expect(pValue).toBeGreaterThan(0.05);
  });

  it('is 0 with p 1 for a model against itself', () => {
    const model = evaluationOf([1, 0, 7]);
    const [{ difference, pValue }] = compareModels(model, model, ['mrr@10'], options);
    expect(difference).toEqual({ mean: 0, low: 0, high: 0 });
    expect(pValue).toBe(1);
  });

  it('compares lists of different lengths at a k that both have', () => {
    const long = evaluationOf([15, 1], { k: 20 });
    const short = evaluationOf([0, 2], { k: 5 });
    expect(compareModels(long, short, ['recall@5'], options)[0].difference.mean).toBe(0);
    expect(() => compareModels(long, short, ['recall@10'], options)).toThrow('eval: metric must be one of recall, ');
  });

  it('counts only the pairs of ranks that occur, however long the lists', () => {
    // A table of all pairs would have 10^10 entries.
    const k = 100_000;
    const [{ difference }] = compareModels(
      evaluationOf([k, 1, 0], { k }),
      evaluationOf([0, 2, 4], { k }),
      [`mrr@${k}`],
      options,
    );
    expect(difference.mean).toBeCloseTo((1 / k + 1 / 2 - 1 / 4) / 3, 12);
  });

  it('refuses models that were evaluated on other users or targets', () => {
    const other = evaluationOf([1, 2], { targets: Int32Array.of(7, 8), name: 'other' });
    expect(() => compareModels(other, evaluationOf([1, 2]), ['recall@10'], options)).toThrow(
      'eval: models to compare must have the same users and targets, got others for other than for model',
    );
  });
});
