// Counting which items users had together, all of each user's training items, both ways: the median of 3.
import { coOccurrence } from '@codebeam/recommenders';
import { loadSplit, median } from './beauty.mjs';

export async function run({ raw }) {
  const { name, train, numItems } = await loadSplit(raw);
  const times = [];
  for (let pass = 0; pass < 3; pass++) {
    const start = performance.now();
    await coOccurrence.fit({ sequences: train, numItems, fittedOn: 'train' }, { window: 1000, symmetric: true });
    times.push((performance.now() - start) / 1000);
    console.log(`${name}: ${train.items.length} interactions, ${numItems} items: ${times.at(-1).toFixed(3)} s`);
  }
  return { seconds: median(times), data: name, model: 'co-occurrence' };
}
