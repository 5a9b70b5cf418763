import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balanceLastLevel, takeFreeCodes } from './balance-last-level.js';
import { groupByPrefix } from './semantic-ids.js';

const options = { levels: 2, dim: 1, distance: 'l2' } as const;
const codebook = Float32Array.of(0, 1, 2, 3);

describe('balanceLastLevel', () => {
  it('separates items of a group at the least extra distance and leaves the others', () => {
    // Items 0, 1 and 3 share the code 7; 0 and 1 both are nearest to code 1, item 1 nearly as near to code 2.
    const codes = Int32Array.of(7, 1, 7, 1, 5, 1, 7, 3);
    const balanced = balanceLastLevel(codes, Float32Array.of(1, 1.4, 1, 3), codebook, options);
    expect(Array.from(balanced.codes)).toEqual([7, 1, 7, 2, 5, 1, 7, 3]);
    expect(balanced.moved).toBe(1);
    expect(balanced.meanDistance.before).toBeCloseTo(0.16 / 4, 6);
    expect(balanced.meanDistance.after).toBeCloseTo(0.36 / 4, 6);
    expect(Array.from(codes)).toEqual([7, 1, 7, 1, 5, 1, 7, 3]);
  });

  it('makes groups of at most K distinct and spreads larger ones evenly', () => {
    const items = fc.array(fc.record({ prefix: fc.nat(2), place: fc.double({ min: 0, max: 3, noNaN: true }) }), {
      minLength: 1,
      maxLength: 24,
    });
    fc.assert(
      fc.property(items, (catalogue) => {
        const codes = Int32Array.from(catalogue.flatMap(({ prefix, place }) => [prefix, Math.round(place)]));
        const residuals = Float32Array.from(catalogue, ({ place }) => place);
        const balanced = balanceLastLevel(codes, residuals, codebook, options);
        const { groups, numGroups } = groupByPrefix(balanced.codes, 2, 1);
        expect(Array.from(groups)).toEqual(Array.from(groupByPrefix(codes, 2, 1).groups));
        for (let group = 0; group < numGroups; group++) {
          const last = catalogue.map((_, i) => balanced.codes[i * 2 + 1]).filter((_, i) => groups[i] === group);
          for (let code = 0; code < 4; code++) {
            expect(last.filter((c) => c === code).length).toBeLessThanOrEqual(Math.ceil(last.length / 4));
          }
        }
        expect(balanceLastLevel(codes, residuals, codebook, options)).toEqual(balanced);
      }),
    );
  });

  it('compares directions with cosine', () => {
    const { codes } = balanceLastLevel(
      Int32Array.of(0, 0, 0, 0),
      Float32Array.of(5, 0, 1, 1),
      Float32Array.of(1, 0, 0, 9),
      { levels: 2, dim: 2, distance: 'cosine' },
    );
    expect(Array.from(codes)).toEqual([0, 0, 0, 1]);
  });
});

describe('takeFreeCodes', () => {
  it('takes the nearest code that is free in the group, in order, and leaves what is there alone', () => {
    // In group 7 the codes 1 and 2 are in use; in group 5 none is.
    const taken = Int32Array.of(7, 1, 0, 7, 2, 0);
    const codes = Int32Array.of(7, 1, 7, 1, 5, 1, 5, 1);
    const chosen = takeFreeCodes(taken, codes, Float32Array.of(1.2, 1, 1, 1.4), codebook, options);
    expect(Array.from(chosen)).toEqual([7, 0, 7, 3, 5, 1, 5, 2]);
    expect(Array.from(codes)).toEqual([7, 1, 7, 1, 5, 1, 5, 1]);
  });

  it('keeps the nearest code where all are in use', () => {
    const taken = Int32Array.of(7, 0, 0, 7, 1, 0, 7, 2, 0, 7, 3, 0);
    const chosen = takeFreeCodes(taken, Int32Array.of(7, 2), Float32Array.of(2), codebook, options);
    expect(Array.from(chosen)).toEqual([7, 2]);
  });
});
