import { selectBackend } from '@codebeam/backend';
import { type FittedRecommender, loadRecommender } from '@codebeam/recommenders';
import { Command } from 'commander';
import { parseCount } from './parse-count.js';

interface RecommendOptions {
  checkpoint: string;
  history?: string[];
  user?: string;
  k: number;
  keepHistory?: true;
  backend?: string;
  json?: true;
}

const details = `
Checkpoint: a folder that a recommender was saved to, such as checkpoints/ml-100k/fit-recommenders/ease.
Items: ids as in the data that it was fitted to, oldest first. Any history will do, of users never seen in training too.

Example:
  codebeam recommend --checkpoint checkpoints/ml-100k/fit-recommenders/ease --history 50,181,174 --k 5
`;

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('Lists items for a history, or for a user of the training data.')
    .requiredOption('--checkpoint <folder>', 'where a recommender was saved')
    .option('--history <ids>', 'items that somebody has met, oldest first, for example 50,181,174', parseIds)
    .option('--user <id>', 'a user of the training data, in place of a history')
    .option('--k <number>', 'how many items', parseCount, 10)
    .option('--keep-history', 'items of the history may be listed again')
    .option('--backend <name>', 'tensorflow, webgpu, native, wasm or cpu; by default the fastest that works')
    .option('--json', 'print one JSON object: model, and recommendations as item and score')
    .addHelpText('after', details)
    .action(recommend);
}

async function recommend(options: RecommendOptions): Promise<void> {
  const { checkpoint, history, user, k, keepHistory, backend, json } = options;
  if ((history === undefined) === (user === undefined)) {
    throw new RangeError('cli: one of --history and --user must be given, got both or none; say whom the list is for');
  }
  await selectBackend(backend);
  const recommender = await loadRecommender(checkpoint);
  const lists =
    user === undefined
      ? await recommender.recommend([denseIds(recommender, history!)], k, { maskHistory: !keepHistory })
      : await recommender.recommendToUsers([user], k);
  const listed = Array.from(lists.items, (item, place) => ({ item, score: lists.scores[place] }))
    .filter(({ item }) => item >= 0)
    .map(({ item, score }) => ({ item: recommender.itemIds?.[item] ?? String(item), score }));
  if (json) console.log(JSON.stringify({ model: recommender.name, recommendations: listed }, null, 2));
  else for (const { item, score } of listed) console.log(`${item}\t${score}`);
}

/** @throws RangeError naming the first item that is none of the checkpoint's */
function denseIds({ itemIds, numItems }: FittedRecommender, ids: readonly string[]): Int32Array {
  const places = itemIds
    ? new Map(itemIds.map((id, item) => [id, item]))
    : new Map(Array.from({ length: numItems }, (_, item) => [String(item), item]));
  return Int32Array.from(ids, (id) => {
    const item = places.get(id);
    if (item !== undefined) return item;
    throw new RangeError(`cli: --history must hold items of the checkpoint, got ${id}; ids are those of its ids.json`);
  });
}

function parseIds(text: string): string[] {
  return text.split(',').flatMap((id) => id.trim() || []);
}
