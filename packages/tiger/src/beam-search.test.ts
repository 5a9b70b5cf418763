import { selectBackend, tf } from '@codebeam/backend';
import { createGenerator, createKey } from '@codebeam/random';
import { assignSemanticIds, semanticIdOf } from '@codebeam/rqvae';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../backend/fixtures/backends.js';
import { beamSearch, type ScoreCodes } from './beam-search.js';
import { blockItems, createPrefixTrie } from './prefix-trie.js';

/** A model by table: the score of a code depends on the whole prefix, so pruning can go wrong if it is done wrong. */
function createTable(seed: number, sizes: readonly number[], batch: number) {
  const scoreOf = (user: number, prefix: readonly number[], code: number) => {
    const hash = prefix.reduce((sum, value) => sum * 31 + value + 1, user + 1) * 31 + code;
    return Math.fround(-4 * createGenerator(createKey(seed * 1_000_003 + hash, 'sample')).uniform());
  };
  let prefixes: { user: number; codes: number[] }[] = [];
  const scoreCodes: ScoreCodes = (level, parents, codes) => {
    prefixes =
      level === 0
        ? Array.from({ length: batch }, (_, user) => ({ user, codes: [] }))
        : Array.from(parents, (parent, i) => ({
            user: prefixes[parent].user,
            codes: [...prefixes[parent].codes, codes[i]],
          }));
    const rows = prefixes.map(({ user, codes }) =>
      Array.from({ length: sizes[level] }, (_, c) => scoreOf(user, codes, c)),
    );
    return { logits: tf.tensor2d(rows.flat(), [rows.length, sizes[level]]), first: 0 };
  };
  /** The log-probability of an ID, where a code's is its share of what the codes in `among` have after the same prefix. */
  const score = (user: number, id: readonly number[], among: (prefix: readonly number[]) => Iterable<number>) =>
    id.reduce((sum, code, p) => {
      const prefix = id.slice(0, p);
      const mass = [...among(prefix)].reduce((total, c) => total + Math.exp(scoreOf(user, prefix, c)), 0);
      return sum + scoreOf(user, prefix, code) - Math.log(mass);
    }, 0);
  const scoreItem = (user: number, id: readonly number[]) =>
    score(user, id, (prefix) => Array.from({ length: sizes[prefix.length] }, (_, code) => code));
  /** The same among the codes that continue one of the IDs. */
  const scoreConstrained = (user: number, id: readonly number[], all: readonly (readonly number[])[]) =>
    score(
      user,
      id,
      (prefix) => new Set(all.filter((other) => prefix.every((c, i) => c === other[i])).map((o) => o[prefix.length])),
    );
  return { scoreCodes, scoreItem, scoreConstrained };
}

const catalogue = fc.record({
  codes: fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 24 }),
  seed: fc.nat(1000),
  history: fc.array(fc.nat(23), { maxLength: 8 }),
});

describe.each(backends)('beamSearch on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  it('equals exhaustive scoring when the beam is as wide as the catalogue', async () => {
    await fc.assert(
      fc.asyncProperty(catalogue, fc.boolean(), async ({ codes, seed, history }, constrainedSoftmax) => {
        const ids = assignSemanticIds(Int32Array.from(codes.flat()), 2, 4);
        const { numItems, sizes } = ids;
        const trie = createPrefixTrie(ids);
        const table = createTable(seed, sizes, 2);
        const seen = new Set(history.filter((item) => item < numItems));
        const found = await beamSearch(table.scoreCodes, {
          trie,
          sizes,
          batch: 2,
          beamWidth: numItems,
          k: numItems,
          constrainedSoftmax,
          blocked: [blockItems(trie, seen), blockItems(trie, [])],
        });
        const all = Array.from({ length: numItems }, (_, item) => Array.from(semanticIdOf(ids, item)));
        for (const user of [0, 1]) {
          const scoreOf = (item: number) =>
            constrainedSoftmax ? table.scoreConstrained(user, all[item], all) : table.scoreItem(user, all[item]);
          const items = Array.from({ length: numItems }, (_, item) => item);
          const expected = items.filter((item) => user === 1 || !seen.has(item)).map(scoreOf);
          expected.sort((a, b) => b - a);
          const list = Array.from(found.items.subarray(user * numItems, (user + 1) * numItems));
          const given = list.slice(0, expected.length);
          expect(new Set(given).size).toBe(expected.length);
          expect(list.slice(expected.length).every((item) => item === -1)).toBe(true);
          // By scores, not by items: two that differ by less than float32 tells apart may stand in either order.
          for (const [place, item] of given.entries()) {
            expect(scoreOf(item)).toBeCloseTo(expected[place], 4);
            expect(found.scores[user * numItems + place]).toBeCloseTo(expected[place], 4);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("says each item's probability up to every position", async () => {
    await fc.assert(
      fc.asyncProperty(catalogue, fc.integer({ min: 1, max: 5 }), async ({ codes, seed }, k) => {
        const ids = assignSemanticIds(Int32Array.from(codes.flat()), 2, 4);
        const table = createTable(seed, ids.sizes, 2);
        const found = await beamSearch(table.scoreCodes, {
          trie: createPrefixTrie(ids),
          sizes: ids.sizes,
          batch: 2,
          beamWidth: k,
          k,
        });
        for (const [place, item] of found.items.entries()) {
          for (const level of [0, 1, 2]) {
            const prefix = item >= 0 && Array.from(semanticIdOf(ids, item).subarray(0, level + 1));
            const expected = prefix ? table.scoreItem(Math.floor(place / k), prefix) : -Infinity;
            const given = found.prefixScores[place * 3 + level];
            if (prefix) expect(given).toBeCloseTo(expected, 4);
            else expect(given).toBe(-Infinity);
          }
          expect(found.prefixScores[place * 3 + 2]).toBe(found.scores[place]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the items probabilities that sum to one under a constrained softmax', async () => {
    await fc.assert(
      fc.asyncProperty(catalogue, async ({ codes, seed }) => {
        const ids = assignSemanticIds(Int32Array.from(codes.flat()), 2, 4);
        const { numItems, sizes } = ids;
        const { scores } = await beamSearch(createTable(seed, sizes, 2).scoreCodes, {
          trie: createPrefixTrie(ids),
          sizes,
          batch: 2,
          beamWidth: numItems,
          k: numItems,
          constrainedSoftmax: true,
        });
        for (const user of [0, 1]) {
          const own = scores.subarray(user * numItems, (user + 1) * numItems);
          expect(own.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 5);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('returns existing, distinct items and no history at any width', async () => {
    await fc.assert(
      fc.asyncProperty(catalogue, fc.integer({ min: 1, max: 6 }), async ({ codes, seed, history }, width) => {
        const ids = assignSemanticIds(Int32Array.from(codes.flat()), 2, 4);
        const trie = createPrefixTrie(ids);
        const seen = history.filter((item) => item < ids.numItems);
        const { items } = await beamSearch(createTable(seed, ids.sizes, 1).scoreCodes, {
          trie,
          sizes: ids.sizes,
          batch: 1,
          beamWidth: width,
          k: width,
          blocked: [blockItems(trie, seen)],
        });
        const found = Array.from(items).filter((item) => item >= 0);
        expect(new Set(found).size).toBe(found.length);
        for (const item of found) {
          expect(item).toBeLessThan(ids.numItems);
          expect(seen).not.toContain(item);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('ranks equal scores by the beam that was ahead, then by the smaller code', async () => {
    const ids = assignSemanticIds(Int32Array.from([2, 1, 0]), 1, 3);
    const { items } = await beamSearch((_, parents) => ({ logits: tf.zeros([parents.length, 3]), first: 0 }), {
      trie: createPrefixTrie(ids),
      sizes: ids.sizes,
      batch: 1,
      beamWidth: 3,
      k: 3,
    });
    expect(Array.from(items)).toEqual([2, 1, 0]);
  });

  it('refuses a beam narrower than the list', async () => {
    const ids = assignSemanticIds(Int32Array.from([0]), 1, 1);
    await expect(
      beamSearch(() => ({ logits: tf.zeros([1, 1]), first: 0 }), {
        trie: createPrefixTrie(ids),
        sizes: ids.sizes,
        batch: 1,
        beamWidth: 1,
        k: 2,
      }),
    ).rejects.toThrow('tiger: beamWidth must be at least k (2), got 1');
  });
});
