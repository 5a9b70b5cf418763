import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendSemanticIds,
  assignSemanticIds,
  createItemLookup,
  formatSemanticId,
  groupByPrefix,
  parseSemanticId,
  semanticIdOf,
} from './semantic-ids.js';

const levels = 2;
const codebookSize = 4;
const codesOf = (minItems = 0) =>
  fc
    .array(fc.array(fc.nat(codebookSize - 1), { minLength: levels, maxLength: levels }), { minLength: minItems })
    .map((rows) => Int32Array.from(rows.flat()));

describe('assignSemanticIds', () => {
  it('numbers the items of a collision group from 0 by item id', () => {
    const ids = assignSemanticIds(Int32Array.of(1, 2, 0, 3, 1, 2, 1, 2), 2, 4);
    expect(Array.from(ids.codes)).toEqual([1, 2, 0, 0, 3, 0, 1, 2, 1, 1, 2, 2]);
    expect(ids.sizes).toEqual([4, 4, 3]);
    expect(ids.numItems).toBe(4);
  });

  it('keeps one collision code when no items collide', () => {
    expect(assignSemanticIds(Int32Array.of(0, 1, 1, 0), 2, 4).sizes).toEqual([4, 4, 1]);
  });

  it('makes every ID unique and leads back from the ID to the item', () => {
    fc.assert(
      fc.property(codesOf(), (codes) => {
        const ids = assignSemanticIds(codes, levels, codebookSize);
        const itemOf = createItemLookup(ids);
        const texts = new Set<string>();
        for (let item = 0; item < ids.numItems; item++) {
          const id = semanticIdOf(ids, item);
          texts.add(formatSemanticId(id));
          expect(itemOf(parseSemanticId(formatSemanticId(id)))).toBe(item);
          expect(Array.from(id.subarray(0, levels))).toEqual(
            Array.from(codes.subarray(item * levels, (item + 1) * levels)),
          );
          id.forEach((code, level) => {
            expect(code).toBeLessThan(ids.sizes[level]);
          });
        }
        expect(texts.size).toBe(ids.numItems);
      }),
    );
  });

  it('names the item and level of a code outside the codebook', () => {
    expect(() => assignSemanticIds(Int32Array.of(0, 1, 2, 4), 2, 4)).toThrow(
      'rqvae: code of item 1 at level 1 must be in [0, 4), got 4',
    );
    expect(() => assignSemanticIds(new Int32Array(3), 2, 4)).toThrow('rqvae: codes must hold 2 codes an item, got 3');
  });
});

describe('appendSemanticIds', () => {
  it('leaves the old IDs as they were and gives what assigning at once gives', () => {
    fc.assert(
      fc.property(codesOf(), codesOf(), (before, after) => {
        const ids = assignSemanticIds(before, levels, codebookSize);
        const all = appendSemanticIds(ids, after);
        expect(Array.from(all.codes.subarray(0, ids.codes.length))).toEqual(Array.from(ids.codes));
        expect(all).toEqual(assignSemanticIds(Int32Array.from([...before, ...after]), levels, codebookSize));
      }),
    );
  });
});

describe('createItemLookup', () => {
  it('answers -1 for an ID that no item has, of another length or outside the codebooks', () => {
    const itemOf = createItemLookup(assignSemanticIds(Int32Array.of(1, 2), 2, 4));
    expect(
      [
        [1, 2, 0],
        [1, 2, 1],
        [1, 2],
        [1, 2, 0, 0],
        [0, 6, 0],
        [-1, 6, 0],
      ].map(itemOf),
    ).toEqual([0, -1, -1, -1, -1, -1]);
  });
});

describe('semanticIdOf', () => {
  it('refuses an item outside the catalogue', () => {
    expect(() => semanticIdOf(assignSemanticIds(Int32Array.of(1, 2), 2, 4), 1)).toThrow(
      'rqvae: item must be in [0, 1), got 1',
    );
  });
});

describe('parseSemanticId', () => {
  it('refuses another form', () => {
    expect(() => parseSemanticId('12,3')).toThrow('rqvae: semantic ID must look like <12,34,5,0>, got 12,3');
  });
});

describe('groupByPrefix', () => {
  it('numbers groups in order of first occurrence', () => {
    const { groups, numGroups } = groupByPrefix(Int32Array.of(2, 0, 1, 0, 2, 1, 1, 1), 2, 1);
    expect(Array.from(groups)).toEqual([0, 1, 0, 1]);
    expect(numGroups).toBe(2);
    expect(groupByPrefix(Int32Array.of(2, 0, 1, 0, 2, 1, 2, 0), 2, 2).numGroups).toBe(3);
  });
});
