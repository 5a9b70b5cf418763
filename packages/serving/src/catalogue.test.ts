import { expect, it } from 'vitest';
import { createCatalogue } from './catalogue.js';

const catalogue = createCatalogue([
  { id: 'B1', title: 'Green Tea, 20 bags', brand: 'Łódź', categories: [['Food', 'Drinks', 'Tea']] },
  { id: 'B2', title: 'Tea cup', categories: [['Kitchen'], ['Gifts', 'Tea']] },
  { id: 'B3', title: 'Teapot for green tea' },
  { id: 'tea' },
]);

it.each([
  ['tea', [3, 1, 2, 0]], // the id, then titles that begin so
  ['green te', [0, 2]],
  ['  GREEN  tea ', [0, 2]],
  ['łódź', [0]],
  ['b2', [1]],
  ['coffee', []],
  ['te cup', []], // only the last word may be half typed
  ['', [0, 1, 2, 3]],
  ['../..', [0, 1, 2, 3]], // nothing that could be a word
])('finds items by their words: %s', (text, expected) => {
  expect(catalogue.search(text, 10)).toEqual(expected);
  expect(catalogue.search(text, 2)).toEqual(expected.slice(0, 2));
});

it.each([
  ['Tea', [0, 1]],
  ['food > drinks', [0]],
  ['Drinks', [0]],
  ['Drinks > Food', []],
])('finds items by a category or its path: %s', (name, expected) => {
  expect(Array.from(catalogue.inCategory(name))).toEqual(expected);
});
