import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { EvaluationCase, Sequences } from '@codebeam/data';
import { evaluate, ndcgAtK, type Recommender, recallAtK } from '@codebeam/eval';
import { beforeAll, describe, expect, it } from 'vitest';
import { coOccurrence, markov, mostPopular } from './index.js';

const folder = process.env.CODEBEAM_DATA;
const numItems = 12_101;

describe.skipIf(!folder)('on Amazon Beauty (skipped unless CODEBEAM_DATA names a folder with the files)', () => {
  let train: Sequences;
  let trainAndValidation: Sequences;
  let test: EvaluationCase[];

  beforeAll(() => {
    const text = gunzipSync(readFileSync(`${folder}/amazon_beauty/sequences.txt.gz`)).toString();
    const users = text.trimEnd().split('\n');
    const histories = users.map((line) => Int32Array.from(line.split(' ').slice(1), (id) => Number(id) - 1));
    const dropLast = (count: number): Sequences => {
      const kept = histories.map((items) => [...items.subarray(0, items.length - count)]);
      const offsets = new Int32Array(kept.length + 1);
      for (const [user, items] of kept.entries()) offsets[user + 1] = offsets[user] + items.length;
      return { offsets, items: Int32Array.from(kept.flat()) };
    };
    train = dropLast(2);
    trainAndValidation = dropLast(1);
    test = histories.map((items, user) => ({ user, history: items.subarray(0, -1), target: items.at(-1)! }));
  });

  /** Recall@5, NDCG@5, recall@10, NDCG@10 to four digits; histories include the validation item. */
  async function scores(recommender: Recommender, maskHistory: boolean): Promise<number[]> {
    const { ranks } = await evaluate(recommender, test, { ks: [5, 10], maskHistory, numItems });
    return [5, 10].flatMap((k) =>
      [recallAtK, ndcgAtK].map((metric) => {
        const mean = ranks.reduce((sum, rank) => sum + metric(rank, k), 0) / ranks.length;
        return Math.round(mean * 1e4) / 1e4;
      }),
    );
  }

  it('scores most-popular as counted elsewhere, history not masked', async () => {
    const recommender = await mostPopular.fit({ sequences: train, numItems, fittedOn: 'train' });
    expect(await scores(recommender, false)).toEqual([0.0072, 0.004, 0.0114, 0.0053]);
  });

  it('scores Markov counts with popularity fill as counted elsewhere, history not masked', async () => {
    const recommender = await markov.fit({ sequences: train, numItems, fittedOn: 'train' });
    expect(await scores(recommender, false)).toEqual([0.0485, 0.0369, 0.0624, 0.0413]);
    expect(await scores(recommender, true)).toEqual([0.0491, 0.0378, 0.0628, 0.0422]);
  });

  it('scores co-occurrence as counted elsewhere, history masked', async () => {
    const data = { sequences: train, numItems, fittedOn: 'train' } as const;
    expect(await scores(await coOccurrence.fit(data), true)).toEqual([0.0624, 0.0454, 0.0836, 0.0522]);
    const symmetric = await coOccurrence.fit(data, { symmetric: true });
    expect(await scores(symmetric, true)).toEqual([0.0562, 0.0398, 0.0773, 0.0466]);
  });

  it('scores co-occurrence higher when it is fitted on the validation item too', async () => {
    const started = performance.now();
    const recommender = await coOccurrence.fit({
      sequences: trainAndValidation,
      numItems,
      fittedOn: 'train+validation',
    });
    expect(performance.now() - started).toBeLessThan(5000); // 0.1 s on a desktop core; room for a busy machine
    expect(await scores(recommender, true)).toEqual([0.0716, 0.0525, 0.0956, 0.0602]);
  });
});
