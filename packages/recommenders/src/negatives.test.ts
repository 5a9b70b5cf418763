import { packSequences } from '@codebeam/data';
import { createKey } from '@codebeam/random';
import { expect, it } from 'vitest';
import { contrastBatches } from './negatives.js';

const sequences = packSequences([Int32Array.of(0, 2, 3), Int32Array.of(0, 1, 2, 3, 4), Int32Array.of(1, 1)]);
const epoch = (seed: number) => [
  ...contrastBatches(sequences, 5, { batchSize: 2, negatives: 3, key: createKey(seed, 'shuffle') }),
];

it('shows every interaction once with items that its user has not met, and leaves out who has met all', () => {
  const batches = epoch(1);
  const pairs = batches.flatMap(({ users, met }) => Array.from(users, (user, i) => `${user} ${met[i]}`));
  expect(pairs.sort()).toEqual(['0 0', '0 2', '0 3', '2 1', '2 1']);
  expect(batches.map(({ met }) => met.length)).toEqual([2, 2, 1]);
  const drawn = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let seed = 0; seed < 20; seed++) {
    for (const { users, unmet } of epoch(seed)) {
      expect(unmet.length).toBe(3 * users.length);
      for (const [i, item] of unmet.entries()) drawn[users[Math.floor(i / 3)]].add(item);
    }
  }
  expect(drawn.map((items) => [...items].sort())).toEqual([[1, 4], [], [0, 2, 3, 4]]);
});

it('draws by the key', () => {
  expect(epoch(1)).toEqual(epoch(1));
  expect(epoch(2)).not.toEqual(epoch(1));
});
