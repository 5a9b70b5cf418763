import { expect, it } from 'vitest';
import { alignItems } from './items.js';

it('puts catalogue entries in the order of the dense ids: the first entry counts, a missing one is its id alone', async () => {
  const entries = [{ id: 'c', title: 'C' }, { id: 'x' }, { id: 'a', title: 'A' }, { id: 'c', title: 'again' }];
  expect(await alignItems(entries, ['a', 'b', 'c'])).toEqual([
    { id: 'a', title: 'A' },
    { id: 'b' },
    { id: 'c', title: 'C' },
  ]);
});
