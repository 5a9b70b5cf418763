import { createKey } from '@codebeam/random';
import { describe, expect, it } from 'vitest';
import { assignSemanticIds } from './semantic-ids.js';
import { measureAgreement, measureCollisions, measurePurity, reportTokenizer } from './tokenizer-report.js';

const key = createKey(1, 'sample');
// Items 0 and 1 share both codes, items 2 and 3 the first.
const ids = assignSemanticIds(Int32Array.of(0, 1, 0, 1, 1, 0, 1, 2), 2, 3);

describe('measureCollisions', () => {
  it('counts tuples, colliding items and the largest group before the collision code', () => {
    expect(measureCollisions(ids)).toEqual({
      distinctTuples: 0.75,
      collisionRate: 0.5,
      largestGroup: 2,
      entropy: 1.5,
    });
  });
});

describe('measurePurity', () => {
  it('is 1 when prefixes and labels are the same partition', () => {
    const { groups, purity, normalisedMutualInformation } = measurePurity(ids, 1, ['a', 'a', 'b', 'b'], key);
    expect([groups, purity, normalisedMutualInformation]).toEqual([2, 1, 1]);
  });

  it('weighs groups by their items', () => {
    // Groups {0, 1} and {2, 3}; labels a, b and b, b: 1 + 2 of 4 items have their group's label.
    const { purity } = measurePurity(ids, 1, ['a', 'b', 'b', 'b'], key);
    expect(purity).toBe(0.75);
  });

  it('finds little information in random IDs and much in IDs that follow the label', () => {
    const labels = Array.from({ length: 400 }, (_, i) => String(i % 4));
    const following = assignSemanticIds(
      Int32Array.from({ length: 400 }, (_, i) => i % 4),
      1,
      4,
    );
    const { normalisedMutualInformation, random } = measurePurity(following, 1, labels, key);
    expect(normalisedMutualInformation).toBeCloseTo(1, 10);
    expect(random.normalisedMutualInformation).toBeLessThan(0.05);
    expect(random.purity).toBeLessThan(0.4);
  });

  it('refuses labels that are not one per item', () => {
    expect(() => measurePurity(ids, 1, ['a'], key)).toThrow('rqvae: labels must be one for each of 4 items, got 1');
  });
});

describe('measureAgreement', () => {
  it('compares consecutive items with pairs of the same items at random', () => {
    // Pairs (0, 1), (2, 3), (2, 0): two of three share the first code. Firsts 0, 2, 2 against seconds 1, 3, 0: nine
    // pairings, of which (0, 0) is one item; the others agree in (0, 1), (2, 3), (2, 3).
    const sequences = { offsets: Int32Array.of(0, 2, 4, 6, 7), items: Int32Array.of(0, 1, 2, 3, 2, 0, 3) };
    expect(measureAgreement(ids, 1, sequences)).toEqual({ length: 1, consecutive: 2 / 3, random: 3 / 8 });
  });
});

describe('reportTokenizer', () => {
  it('is plain JSON with the parts it was given data for', () => {
    const sequences = { offsets: Int32Array.of(0, 2), items: Int32Array.of(0, 1) };
    const report = reportTokenizer(ids, { labels: ['a', 'a', 'b', 'b'], sequences, key });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.items).toBe(4);
    expect(report.usage.map(({ usage }) => usage)).toEqual([2 / 3, 1]);
    expect(report.categories?.map(({ length }) => length)).toEqual([1, 2]);
    expect(report.coOccurrence?.map(({ consecutive }) => consecutive)).toEqual([1, 1]);
    expect('reconstruction' in report).toBe(false);
    expect(Object.keys(reportTokenizer(ids, { key }))).toEqual([
      'items',
      'levels',
      'codebookSize',
      'usage',
      'collisions',
    ]);
  });
});
