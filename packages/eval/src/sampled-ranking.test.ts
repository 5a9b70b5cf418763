import { packSequences, sequenceOf } from '@codebeam/data';
import { describe, expect, it } from 'vitest';
import { keepCandidates, presets, rankCandidates, rankingMetrics, sampleCandidates } from './index.js';

const sequences = (...lists: number[][]) => packSequences(lists.map((list) => Int32Array.from(list)));
const input = { targets: sequences([3, 5], [], [0]), train: sequences([0, 1], [2], [9]), numItems: 10 };

describe('sampleCandidates', () => {
  it('takes the test items and distinct others that the user neither met nor is tested on', () => {
    const candidates = sampleCandidates(input, { numNegatives: 4, seed: 1 });
    const [first, second, third] = [0, 1, 2].map((user) => [...sequenceOf(candidates, user)]);
    expect(first.slice(0, 2)).toEqual([3, 5]);
    expect(new Set(first).size).toBe(6);
    for (const item of first) expect([0, 1]).not.toContain(item);
    expect(second).toEqual([]);
    expect(third).toHaveLength(5);
  });

  it('takes all there are when fewer are left, and none without weight', () => {
    const all = sampleCandidates(input, { numNegatives: 99, seed: 1 });
    expect([...sequenceOf(all, 0)].sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    const weights = [0, 0, 1, 0, 0, 0, 0, 0, 5, 0];
    const few = sampleCandidates(input, { numNegatives: 99, seed: 1, weights });
    expect([...sequenceOf(few, 0)].sort()).toEqual([2, 3, 5, 8]);
  });

  it('draws by weight, and again the same for a seed', () => {
    const users = 3000;
    const many = {
      targets: packSequences(Array.from({ length: users }, () => Int32Array.of(0))),
      train: packSequences(Array.from({ length: users }, () => new Int32Array(0))),
      numItems: 4,
    };
    const options = { numNegatives: 1, seed: 7, weights: [9, 1, 2, 5] };
    const candidates = sampleCandidates(many, options);
    expect(sampleCandidates(many, options)).toEqual(candidates);
    const share = (item: number) => candidates.items.filter((one) => one === item).length / users;
    for (const [item, chance] of [
      [1, 1 / 8],
      [2, 2 / 8],
      [3, 5 / 8],
    ])
      expect(Math.abs(share(item) - chance)).toBeLessThan(0.04);
  });

  it('refuses weights for other items', () => {
    expect(() => sampleCandidates(input, { numNegatives: 1, seed: 1, weights: [1] })).toThrow('eval: weights must be');
  });
});

describe('a sampled ranking', () => {
  const candidates = sequences([3, 5, 2, 8], [], [0, 4]);
  const scores = [0.5, 0, 0.9, 0.7, 0.5, 0.1, 1, 1, 0.1, 1];

  it('has the candidates by score, lower ids first at ties', () => {
    const lists = rankCandidates(candidates, () => scores);
    expect([0, 1, 2].map((user) => [...sequenceOf(lists, user)])).toEqual([[2, 3, 5, 8], [], [0, 4]]);
    expect([...(lists.scores ?? [])]).toEqual([0.9, 0.7, 0.1, 0.1, 0.5, 0.5]);
  });

  it('is the same out of full lists', () => {
    const order = [6, 7, 9, 2, 3, 0, 4, 5, 8, 1];
    const full = {
      ...sequences(order, order, order),
      scores: Float64Array.from([...order, ...order, ...order], (item) => scores[item]),
    };
    expect(keepCandidates(full, candidates)).toEqual(rankCandidates(candidates, () => scores));
  });

  it('is judged among its candidates', () => {
    const lists = rankCandidates(candidates, () => scores);
    const numCandidates = Int32Array.of(4, 0, 2);
    const conventions = { ...presets.warprec, area: 'pairwise', metrics: ['recall', 'gauc'] } as const;
    const { perUser } = rankingMetrics({ ...input, lists, numCandidates }, conventions, [2]);
    expect([...perUser['recall@2']]).toEqual([0.5, Number.NaN, 1]);
    // User 0: pairs 3>2 no, 3>8 yes, 5>2 no, 5=8 half; user 2: 0=4 half.
    expect([...perUser.gauc]).toEqual([1.5 / 4, Number.NaN, 0.5]);
  });

  it('of all items is the full ranking, where the mask takes test items too', () => {
    // User 0 met item 1 and is tested on it and on 2, which is last of the seven others.
    const orders = [
      [1, 0, 3, 4, 5, 6, 7, 2],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ];
    const whole = {
      lists: sequences(...orders),
      targets: sequences([1, 2], [3]),
      train: sequences([1], [0]),
      numItems: 8,
    };
    const all = sampleCandidates(whole, { numNegatives: 6, seed: 1 });
    const numCandidates = all.offsets.slice(1).map((end, user) => end - all.offsets[user]);
    const sampled = { ...whole, lists: keepCandidates(whole.lists, all), numCandidates };
    for (const preset of [presets.recbole, presets.warprec, presets.gru4rec]) {
      const conventions = { ...preset, metrics: ['auc', 'gauc', 'lauc'], mask: 'seen' } as const;
      expect(rankingMetrics(sampled, conventions, [2, 8])).toEqual(rankingMetrics(whole, conventions, [2, 8]));
    }
    const { perUser } = rankingMetrics(sampled, { ...presets.recbole, metrics: ['gauc'] }, [2]);
    expect(perUser.gauc[0]).toBe(0);
  });
});
