import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey } from '@codebeam/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAmazonItems, readAmazonReviews } from './amazon-reviews.js';
import { collectInteractions, kCore, orderByTime, sequenceOf } from './interactions.js';
import { alignItems } from './items.js';
import { leaveOneOut } from './leave-one-out.js';
import { bestPossibleRecall, createShop, nextItemProbabilities, writeSyntheticAmazon } from './synthetic.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-synthetic-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function readShop(name: string, options: Parameters<typeof writeSyntheticAmazon>[1]) {
  const files = await writeSyntheticAmazon(join(folder, name), options);
  const interactions = await collectInteractions(readAmazonReviews(files.reviews));
  const items = await alignItems(readAmazonItems(files.meta), interactions.itemIds);
  return { files, interactions, items, sequences: orderByTime(interactions) };
}

describe('writeSyntheticAmazon', () => {
  it('writes a 5-core without repeated items or ties, which the readers of Amazon files take', async () => {
    const { files, interactions, items, sequences } = await readShop('a', { seed: 1 });
    expect(kCore(interactions, 5)).toBe(interactions);
    expect([interactions.userIds.length, interactions.itemIds.length]).toEqual([1200, 240]);
    expect(files).toMatchObject({ users: 1200, items: 240, interactions: interactions.users.length });
    for (let user = 0; user < 1200; user++) {
      const sequence = sequenceOf(sequences, user);
      expect(new Set(sequence).size).toBe(sequence.length);
    }
    expect(orderByTime(interactions, { ties: 'shuffled', key: createKey(9, 'shuffle') })).toEqual(sequences);
    expect(items.filter(({ title, categories }) => title !== undefined && categories?.[0].length === 4)).toHaveLength(
      240,
    );
    expect(new Set(items.map(({ title }) => title)).size).toBe(240);
    for (const field of ['price', 'brand'] as const) {
      const given = items.filter((item) => item[field] !== undefined).length;
      expect(given).toBeGreaterThan(200);
      expect(given).toBeLessThan(240);
    }
  });

  it('writes the same bytes for the same seed and others for another', async () => {
    const bytes = async (name: string, seed: number) => {
      const { reviews, meta } = await writeSyntheticAmazon(join(folder, name), { seed, users: 600 });
      return Buffer.concat([await readFile(reviews), await readFile(meta)]).toString('base64');
    };
    const first = await bytes('b', 5);
    expect(await bytes('c', 5)).toBe(first);
    expect(await bytes('d', 6)).not.toBe(first);
  });

  it('refuses shops too small to walk in, and too few users for a 5-core', async () => {
    await expect(writeSyntheticAmazon(folder, { seed: 1, lines: 2, steps: 6 })).rejects.toThrow(
      '14 items or more, got 2 x 6',
    );
    await expect(writeSyntheticAmazon(folder, { seed: 1, users: 50 })).rejects.toThrow(
      /every synthetic item must have 5 interactions, got \d; raise users/,
    );
  });
});

describe('nextItemProbabilities', () => {
  it('is the stated mixture over what the user has not had', () => {
    const shop = createShop({ seed: 1, lines: 2, steps: 7 });
    const popular = 1 / (7 * (1 + 2 ** -0.35));
    const had = 0.15 / 7 + 0.1 * popular; // what the last item itself would have
    const probabilities = nextItemProbabilities(shop, [6]);
    expect(probabilities[6]).toBe(0);
    expect(probabilities[0]).toBeCloseTo((0.6 + 0.15 / 7 + 0.1 * popular) / (1 - had), 12); // next, round the end
    expect(probabilities[3]).toBeCloseTo((0.15 / 7 + 0.1 * popular) / (1 - had), 12); // same line
    expect(probabilities[13]).toBeCloseTo((0.15 + 0.1 * popular * 2 ** -0.35) / (1 - had), 12); // same step, next line
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
  });

  it('foretells how often the items of each rank follow in the data', async () => {
    const options = { seed: 3 };
    const { interactions, sequences } = await readShop('e', options);
    const shop = createShop(options);
    const places = new Map(shop.asins.map((asin, item) => [asin, item]));
    const expected = new Float64Array(12);
    const variance = new Float64Array(12);
    const counted = new Float64Array(12);
    for (let user = 0; user < 1200; user++) {
      const walk = Array.from(sequenceOf(sequences, user), (item) => places.get(interactions.itemIds[item])!);
      for (let end = 1; end < walk.length; end++) {
        const probabilities = nextItemProbabilities(shop, walk.slice(0, end));
        const ranked = Array.from(probabilities, (_, item) => item).sort(
          (a, b) => probabilities[b] - probabilities[a] || a - b,
        );
        for (let rank = 0; rank < 12; rank++) {
          expected[rank] += probabilities[ranked[rank]];
          variance[rank] += probabilities[ranked[rank]] * (1 - probabilities[ranked[rank]]);
          if (ranked[rank] === walk[end]) counted[rank]++;
        }
      }
    }
    for (let rank = 0; rank < 12; rank++) {
      expect(Math.abs(counted[rank] - expected[rank])).toBeLessThan(4 * Math.sqrt(variance[rank]));
    }
  });
});

describe('bestPossibleRecall', () => {
  it('is what the best pair of items would get, found by trying all pairs', () => {
    const options = { seed: 1, lines: 2, steps: 7 };
    const shop = createShop(options);
    const histories = [[3], [3, 4, 11], [0, 1, 2, 3, 4, 5, 6]];
    let masked = 0;
    for (const history of histories) {
      const probabilities = nextItemProbabilities(shop, history);
      let most = 0;
      for (let a = 0; a < 14; a++)
        for (let b = 0; b < a; b++) most = Math.max(most, probabilities[a] + probabilities[b]);
      masked += most / histories.length;
    }
    const cases = histories.map((history) => ({ history: Int32Array.from(history) }));
    const recall = bestPossibleRecall(options, cases, shop.asins, 2);
    expect(recall.masked).toBeCloseTo(masked, 12);
    // Without the mask item 6 is followed by item 0, which the last user has had.
    expect(recall.unmasked).toBeLessThan(masked);
    expect(bestPossibleRecall(options, cases, shop.asins, 14).unmasked).toBeCloseTo(1, 12);
  });

  it('leaves room: near .89 at 10 on the default shop, more than four times the most popular items', async () => {
    const options = { seed: 1 };
    const { interactions, sequences } = await readShop('f', options);
    const { train, test } = leaveOneOut(sequences);
    const cases = test.open('evaluate');
    const best = bestPossibleRecall(options, cases, interactions.itemIds, 10);
    expect(best.masked).toBeCloseTo(0.887, 3);
    expect(best.unmasked).toBeCloseTo(0.866, 3);

    const counts = new Int32Array(interactions.itemIds.length);
    for (const item of train.items) counts[item]++;
    const byCount = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b);
    const hits = cases.filter(({ history, target }) => {
      const unseen = byCount.filter((item) => !history.includes(item));
      return unseen.slice(0, 10).includes(target);
    });
    expect(hits.length / cases.length).toBeLessThan(best.masked / 4);
  });

  it('refuses data of another shop', () => {
    const cases = [{ history: Int32Array.of(0) }];
    expect(() => bestPossibleRecall({ seed: 1 }, cases, ['B004756YJA'], 10)).toThrow(
      'data: item ids must be those of the synthetic shop, got B004756YJA',
    );
    expect(() => bestPossibleRecall({ seed: 1 }, cases, [], 0)).toThrow('data: k must be an integer from 1, got 0');
  });
});
