import { selectBackend } from '@codebeam/backend';
import { type Checkpoint, loadCheckpoint } from '@codebeam/serving/load-checkpoint';
import { Command } from 'commander';
import { parseCount } from './parse-count.js';

interface RecommendOptions {
  checkpoint: string;
  history?: string[];
  user?: string;
  k: number;
  keepHistory?: true;
  beamWidth?: number;
  backend?: string;
  json?: true;
}

const details = `
Checkpoint: a folder that a recommender was saved to, such as checkpoints/ml-100k/fit-recommenders/ease or what codebeam tune
left in best; or a run with a trained TIGER, such as checkpoints/amazon-beauty (or its train-tiger).
Items: ids as in the data that it was fitted to, oldest first. Any history will do, of users never seen in training too.
Users: alone, the history is theirs in training, which TIGER does not keep; beside a history, it says whose that is, for
models that know users; each item of it counts as rated 1, where a user alone has the ratings of training.

Examples:
  codebeam recommend --checkpoint checkpoints/ml-100k/fit-recommenders/ease --history 50,181,174 --k 5
  codebeam recommend --checkpoint checkpoints/amazon-beauty --history B004756YJA,B004ZT0SSG --beam-width 20
`;

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('Lists items for a history, or for a user of the training data.')
    .requiredOption('--checkpoint <folder>', 'where a recommender was saved')
    .option('--history <ids>', 'items that somebody has met, oldest first, for example 50,181,174', parseIds)
    .option('--user <id>', 'a user of the training data, in place of a history or beside one')
    .option('--k <number>', 'how many items', parseCount, 10)
    .option('--keep-history', 'items of the history may be listed again')
    .option(
      '--beam-width <number>',
      'W of the beam search, of TIGER only; wider finds more, and is slower (default: 50)',
      parseCount,
    )
    .option('--backend <name>', 'tensorflow, webgpu, native, wasm or cpu; by default the fastest that works')
    .option('--json', 'print one JSON object: model, and recommendations as item and score')
    .addHelpText('after', details)
    .action(recommend);
}

async function recommend(options: RecommendOptions): Promise<void> {
  const { history, user, k, keepHistory, backend, json } = options;
  if (history === undefined && user === undefined) {
    throw new RangeError('cli: one of --history and --user must be given, got none; say whom the list is for');
  }
  await selectBackend(backend);
  const checkpoint = await load(options);
  const { recommender, numItems } = checkpoint;
  const most = Math.min(k, numItems);
  const lists =
    history === undefined
      ? await listsOf(checkpoint, user!, most, !keepHistory)
      : await recommender.recommend([denseIds(checkpoint, history)], most, {
          maskHistory: !keepHistory,
          ...(user !== undefined && { users: [user] }),
        });
  const listed = Array.from(lists.items, (item, place) => ({ item, score: lists.scores[place] }))
    .filter(({ item }) => item >= 0)
    .map(({ item, score }) => ({ item: checkpoint.itemIds[item], score }));
  if (json) console.log(JSON.stringify({ model: recommender.name, recommendations: listed }, null, 2));
  else for (const { item, score } of listed) console.log(`${item}\t${score}`);
}

async function load({ checkpoint: folder, beamWidth }: RecommendOptions): Promise<Checkpoint> {
  const checkpoint = await loadCheckpoint(folder);
  const { tiger, recommender } = checkpoint;
  if (beamWidth === undefined) return checkpoint;
  if (tiger) return { ...checkpoint, recommender: tiger.withBeamWidth(beamWidth) };
  throw new RangeError(`cli: --beam-width must be left out but for TIGER, got ${beamWidth} for ${recommender.name}`);
}

function listsOf({ recommendToUsers, recommender, tiger }: Checkpoint, user: string, k: number, maskHistory: boolean) {
  if (recommendToUsers) return recommendToUsers([user], k, maskHistory);
  const why = tiger ? 'TIGER keeps no histories' : `${recommender.name} knows no users`;
  throw new RangeError(`cli: --history must be given, got user ${user} alone; ${why}`);
}

/** @throws RangeError naming the first item that is none of the checkpoint's */
function denseIds({ itemIds }: Checkpoint, ids: readonly string[]): Int32Array {
  const places = new Map(itemIds.map((id, item) => [id, item]));
  return Int32Array.from(ids, (id) => {
    const item = places.get(id);
    if (item !== undefined) return item;
    throw new RangeError(
      `cli: --history must hold items of the checkpoint, got ${id}; ids are those of the data that it was fitted to`,
    );
  });
}

function parseIds(text: string): string[] {
  return text.split(',').flatMap((id) => id.trim() || []);
}
