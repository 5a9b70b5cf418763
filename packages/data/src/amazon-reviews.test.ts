import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAmazonItems, readAmazonReviews } from './amazon-reviews.js';
import { bucketByLength } from './batches.js';
import { collectInteractions, kCore, keepFirstOfDuplicates, orderByTime, sequenceOf } from './interactions.js';
import { alignItems } from './items.js';
import { leaveOneOut } from './leave-one-out.js';
import { readLines } from './read-lines.js';
import { slidingWindowPairs } from './sliding-window.js';

const data = process.env.CODEBEAM_DATA;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codebeam-amazon-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, gzipSync(lines.join('\n')));
  return path;
}

describe('readAmazonReviews', () => {
  it('reads the formats of 2014, 2018 and 2023, the last by parent and from milliseconds', async () => {
    const path = await fileOf(
      'reviews.json.gz',
      '{"reviewerID": "A1", "asin": "B1", "helpful": [0, 0], "overall": 5.0, "unixReviewTime": 1393545600}',
      '{"overall": 4.0, "verified": true, "reviewerID": "A2", "asin": "B2", "unixReviewTime": 1441324800}',
      '{"rating": 3.0, "asin": "B3", "parent_asin": "P3", "user_id": "A3", "timestamp": 1588687728923}',
    );
    expect(await Readable.from(readAmazonReviews(path)).toArray()).toEqual([
      { user: 'A1', item: 'B1', timestamp: 1393545600, rating: 5 },
      { user: 'A2', item: 'B2', timestamp: 1441324800, rating: 4 },
      { user: 'A3', item: 'P3', timestamp: 1588687728.923, rating: 3 },
    ]);
  });

  it.each([
    ['{"asin": "B1", "unixReviewTime": 1}', '"reviewerID" must be a text, got undefined'],
    [
      '{"reviewerID": "A1", "asin": "B1", "unixReviewTime": "soon"}',
      '"unixReviewTime" must be a number or an ISO date',
    ],
    ['{"parent_asin": "P", "user_id": "A", "unixReviewTime": 1}', '"timestamp" must be a number or an ISO date'],
    ['{"reviewerID": "A1", "asin": "B1", "unixReviewTime": 1393545600000}', 'must lie before the year 2100'],
    ['[1]', 'a line must be an object, got [1]'],
    ['{"reviewerID": "A1", ', 'JSON'],
  ])('names line and reason of %s', async (line, reason) => {
    const path = await fileOf('bad.json.gz', line);
    const reading = Readable.from(readAmazonReviews(path)).toArray();
    await expect(reading).rejects.toThrow('bad.json.gz must have at most 0 unreadable lines of 1');
    await expect(reading).rejects.toThrow(`the first in line 1:`);
    await expect(reading).rejects.toThrow(reason);
  });
});

describe('readAmazonItems', () => {
  it('reads Python literals and JSON, and leaves out what is empty', async () => {
    const path = await fileOf(
      'meta.json.gz',
      `{'asin': 'B1', 'title': "L'Example, \\"Rose\\"", 'price': 3.17, 'brand': '', 'categories': [['Beauty', 'Nails']]}`,
      '{"asin": "B2", "category": ["Gift Cards", "Gift Cards"], "description": ["One.", "Two."], "brand": "Amazon", "price": "$1,025.00"}',
      '{"parent_asin": "P3", "asin": "B3", "title": "", "store": "Store", "categories": ["Beauty", "Hair"], "description": [], "price": null}',
      '{"parent_asin": "P4", "store": null, "categories": [], "price": "$5.00 - $10.00"}',
    );
    expect(await Readable.from(readAmazonItems(path)).toArray()).toEqual([
      { id: 'B1', title: 'L\'Example, "Rose"', categories: [['Beauty', 'Nails']], price: 3.17 },
      { id: 'B2', brand: 'Amazon', categories: [['Gift Cards', 'Gift Cards']], price: 1025, description: 'One. Two.' },
      { id: 'P3', brand: 'Store', categories: [['Beauty', 'Hair']] },
      { id: 'P4' },
    ]);
  });
});

describe('Amazon Beauty', () => {
  it.skipIf(!data)('gives the counts and orders of the published sequences (needs CODEBEAM_DATA)', async () => {
    const start = performance.now();
    const raw = join(data!, 'amazon_beauty', 'raw');
    const rows = await collectInteractions(readAmazonReviews(join(raw, 'reviews_Beauty_5.json.gz')));
    const interactions = kCore(rows, 5);
    expect(interactions).toBe(rows);
    const { userIds, itemIds, users } = interactions;
    expect([userIds.length, itemIds.length, users.length]).toEqual([22_363, 12_101, 198_502]);

    const items = await alignItems(readAmazonItems(join(raw, 'meta_Beauty.json.gz')), itemIds);
    const sequences = orderByTime(interactions);
    expect((performance.now() - start) / 1000).toBeLessThan(15);
    expect(process.memoryUsage().rss / 1e9).toBeLessThan(1.5);
    expect(keepFirstOfDuplicates(interactions)).toEqual(interactions);

    expect(items.map(({ id }) => id)).toEqual(itemIds);
    expect(items.filter(({ title }) => title !== undefined)).toHaveLength(12_094);
    expect(items.filter(({ categories }) => categories !== undefined)).toHaveLength(12_101);

    // The published sequences have ids of their own, which a table maps to Amazon's.
    const published = new Map<string, string[]>();
    const userNames = new Map<string, string>();
    const itemNames = new Map<string, string>();
    for await (const { number, text } of readLines(join(data!, 'amazon_beauty', 'interactions.tsv.gz'))) {
      if (number === 1) continue;
      const [userId, reviewer, itemId, asin] = text.split('\t');
      userNames.set(userId, reviewer);
      itemNames.set(itemId, asin);
    }
    for await (const { text } of readLines(join(data!, 'amazon_beauty', 'sequences.txt.gz'))) {
      const [user, ...sequence] = text.split(' ');
      published.set(
        userNames.get(user)!,
        sequence.map((item) => itemNames.get(item)!),
      );
    }
    expect(published.size).toBe(22_363);
    let differing = 0;
    for (const [user, id] of userIds.entries()) {
      const sequence = Array.from(sequenceOf(sequences, user), (item) => itemIds[item]);
      if (sequence.join() !== published.get(id)?.join()) differing++;
    }
    expect(differing).toBe(0);

    const { train, validation, test } = leaveOneOut(sequences);
    expect([validation.length, test.size]).toEqual([22_363, 22_363]);
    const pairs = slidingWindowPairs(train, { maxHistory: 20 });
    expect(pairs.ends.length).toBe(131_413);
    expect(bucketByLength(pairs, { batchSize: 256, key: [0, 0] }).paddingShare).toBeLessThan(0.005);
  });
});

describe('samples of Amazon files', () => {
  const sample = (name: string) => join(data!, 'raw_samples', name);

  it.skipIf(!data)(
    '2014, 2018 and 2023 files have the rows that their source states (needs CODEBEAM_DATA)',
    async () => {
      const rows = async (name: string) => (await Readable.from(readAmazonReviews(sample(name))).toArray()).length;
      expect(await rows('amazon2014_reviews_Musical_Instruments_5.head50.json.gz')).toBe(50);
      expect(await rows('amazon2018_Gift_Cards_5.json.gz')).toBe(2972);
      expect(await rows('amazon2018_AMAZON_FASHION_5.json.gz')).toBe(3176);
      expect(
        await Readable.from(readAmazonReviews(sample('handmade_amazon2023_reviews.jsonl.gz'))).toArray(),
      ).toMatchObject([
        { item: 'B0000000P1', timestamp: 1588687728.923 },
        { item: 'B000000004', timestamp: 1588615855.07 },
      ]);
      expect(await Readable.from(readAmazonItems(sample('amazon2018_meta_Gift_Cards.json.gz'))).toArray()).toHaveLength(
        1547,
      );
      expect(await Readable.from(readAmazonItems(sample('handmade_amazon2023_meta.jsonl.gz'))).toArray()).toHaveLength(
        2,
      );
      const [nailLacquer, shampoo] = await Readable.from(
        readAmazonItems(sample('handmade_amazon2014_meta.json.gz')),
      ).toArray();
      expect(nailLacquer.title).toBe('Example Nail Lacquer, "Rose", 0.5-Fluid Ounce');
      expect(shampoo.categories).toEqual([['Beauty', 'Hair Care', 'Shampoos'], ['Health & Personal Care']]);
    },
  );

  it.skipIf(!data)('2018 duplicates: 5,269 rows of 4,092 pairs (needs CODEBEAM_DATA)', async () => {
    const rows = await collectInteractions(readAmazonReviews(sample('amazon2018_All_Beauty_5.json.gz')));
    expect([rows.users.length, rows.userIds.length, rows.itemIds.length]).toEqual([5269, 991, 85]);
    expect(keepFirstOfDuplicates(rows).users.length).toBe(4092);
  });
});
