import { expect, it } from 'vitest';
import { createCatalogue } from './catalogue.js';
import { numberTracks } from './track-numbers.js';

const catalogue = createCatalogue(['B1', 'B2', 'B3', 'tea'].map((id) => ({ id })));

it('numbers tracks by ids that are whole numbers, else by their places', () => {
  const named = numberTracks(() => catalogue);
  expect([named.trackOf(2, catalogue), named.itemOf(2, catalogue), named.itemOf(4, catalogue)]).toEqual([
    2,
    2,
    undefined,
  ]);
  const numbers = createCatalogue([{ id: '30' }, { id: '7' }]);
  const numbered = numberTracks(() => numbers);
  expect([numbered.trackOf(0, numbers), numbered.itemOf(7, numbers), numbered.itemOf(1, numbers)]).toEqual([
    30,
    1,
    undefined,
  ]);
  expect(numbered.numbering).toBeUndefined();
  expect(createCatalogue([{ id: String(2 ** 31) }]).isNumbered).toBe(false);
});

it('numbers tracks of other catalogues as the first one has them', () => {
  const named = numberTracks(() => catalogue);
  const other = createCatalogue(['x', catalogue.items[3].id, catalogue.items[0].id].map((id) => ({ id })));
  expect([0, 1, 2].map((item) => named.trackOf(item, other))).toEqual([undefined, 3, 0]);
  expect([3, 1, 0].map((track) => named.itemOf(track, other))).toEqual([1, undefined, 2]);
  expect(numberTracks(() => other).numbering).not.toBe(named.numbering);
});
