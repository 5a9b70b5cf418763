import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixtures/evaluation-of.js';
import { chooseExamples } from './index.js';

const titles = Array.from({ length: 200 }, (_, item) => `title ${item}`);
const ranks = Array.from({ length: 50 }, (_, user) => (user % 10 === 3 ? 2 : 0));
const tiger = evaluationOf(ranks, { name: 'tiger' });
const cases = ranks.map((_, user) => ({ user, history: Int32Array.of(user, 7), target: 100 + user }));

describe('chooseExamples', () => {
  it('draws as many users with a hit as without', () => {
    const examples = chooseExamples([tiger], cases, { seed: 1, titles, count: 6 });
    expect(examples.map(({ lists }) => lists[0].rank)).toEqual([2, 2, 2, 0, 0, 0]);
    expect(new Set(examples.map(({ user }) => user)).size).toBe(6);
  });

  it('fills up with the others where hits or misses run out', () => {
    const count = (options: object) => chooseExamples([tiger], cases, { seed: 1, titles, ...options }).length;
    expect(count({ count: 40 })).toBe(40); // 5 hits, 35 misses
    expect(count({ count: 99 })).toBe(50);
    const examples = chooseExamples([evaluationOf(ranks.map(() => 1))], cases, { seed: 1, titles, count: 4 });
    expect(examples.map(({ lists }) => lists[0].rank)).toEqual([1, 1, 1, 1]);
  });

  it('gives titles of history, target and lists, marks the hit, and repeats itself for a seed', () => {
    const markov = evaluationOf(
      ranks.map(() => 0),
      { name: 'markov' },
    );
    const choose = () => chooseExamples([tiger, markov], cases, { seed: 2, titles, count: 1, k: 3 });
    const [example] = choose();
    const user = Number(example.user);
    expect(example.history).toEqual([`title ${user}`, 'title 7']);
    expect(example.target).toBe(`title ${100 + user}`);
    expect(example.lists).toEqual([
      {
        model: 'tiger',
        rank: 2,
        items: [
          { title: 'title 0', isTarget: false },
          { title: `title ${100 + user}`, isTarget: true },
          { title: 'title 2', isTarget: false },
        ],
      },
      { model: 'markov', rank: 0, items: [0, 1, 2].map((item) => ({ title: `title ${item}`, isTarget: false })) },
    ]);
    expect(choose()).toEqual([example]);
  });
});
