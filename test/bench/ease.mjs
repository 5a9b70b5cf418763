// Fitting EASE from counting to its weights: the median of 3.
import { ease } from '@codebeam/recommenders';
import { loadSplit, median } from './beauty.mjs';

export async function run({ raw }) {
  const { name, train, numItems } = await loadSplit(raw);
  const times = [];
  for (let pass = 0; pass < 3; pass++) {
    const start = performance.now();
    await ease.fit({ sequences: train, numItems, fittedOn: 'train' }, { l2: 250 });
    times.push((performance.now() - start) / 1000);
    console.log(`${name}: ${train.items.length} interactions, ${numItems} items: ${times.at(-1).toFixed(2)} s`);
  }
  return { seconds: median(times), data: name, model: 'ease' };
}
