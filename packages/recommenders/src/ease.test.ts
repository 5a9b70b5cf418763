import { selectBackend } from '@codebeam/backend';
import { packSequences } from '@codebeam/data';
import { beforeAll, describe, expect, it } from 'vitest';
import { ease } from './index.js';

describe('EASE', () => {
  beforeAll(async () => {
    await selectBackend();
  });

  it('has the weights of the closed form', async () => {
    // Rows 1100, 1010, 0111 and l2 = 2: B[0] and B[3] as NumPy has them in float64.
    const sequences = packSequences(
      [
        [0, 1],
        [0, 2],
        [1, 2, 3],
      ].map((items) => Int32Array.from(items)),
    );
    const recommender = await ease.fit({ sequences, numItems: 4, fittedOn: 'train' }, { l2: 2 });
    const scores = await recommender.score([Int32Array.of(0), Int32Array.of(3), Int32Array.of(0, 3, 3)]);
    const expected = [0, 0.219512, 0.219512, -0.111111, -0.153846, 0.292683, 0.292683, 0];
    for (const [place, value] of expected.entries()) expect(scores[place]).toBeCloseTo(value, 6);
    expect(scores[8]).toBeCloseTo(-0.153846, 6); // a history of both, one of them twice, is worth both rows once
  });

  it('weighs a history by its ratings where it was fitted to ratings, and must then have some', async () => {
    const sequences = packSequences([Int32Array.of(0, 1), Int32Array.of(0, 2)]);
    const data = { sequences, numItems: 3, fittedOn: 'train' } as const;
    const options = { l2: 1, feedback: 'explicit' };
    await expect(ease.fit(data, options)).rejects.toThrow('explicit feedback must come with ratings');
    const recommender = await ease.fit({ ...data, ratings: Float32Array.of(5, 1, 5, 4) }, options);
    const history = [Int32Array.of(0)];
    const [once, thrice] = await Promise.all(
      [1, 3].map((rating) => recommender.score(history, { ratings: [Float32Array.of(rating)] })),
    );
    for (const [item, score] of once.entries()) expect(thrice[item]).toBeCloseTo(3 * score, 6);
    expect(once[2]).toBeGreaterThan(once[1]);
  });
});
