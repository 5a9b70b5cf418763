import { rankRows, readRankingRows, sparseMatrix } from '@codebeam/data';
import { z } from 'zod';
import { defineRecommender } from './define-recommender.js';
import { rowOf } from './similarity.js';
import { sparseMatrixOf, sparseWeights } from './sparse-weights.js';

/**
 * Another system's lists, read from a file, so that they stand beside ours in one table (WarpRec's ProxyRecommender). Nothing is learnt, and
 * a history is only masked.
 *
 * An item's score is minus its place in the list, from 1; items of equal scores in the file share one, and rank the lower id first as
 * everywhere. What is not in a list is not recommended: it may be shorter than k, and that of a user whom the file lacks is empty, which
 * counts as 0 in metrics. Users must be named, and be of the training data; of others a file says nothing.
 */
export const proxy = defineRecommender({
  name: 'proxy',
  options: z.strictObject({
    file: z
      .string()
      .min(1)
      .describe('user, item and rank or score by row: CSV, TSV, JSON lines or Parquet; ids as in the data'),
    fittedOn: z
      .enum(['train', 'train+validation', 'unknown'])
      .default('unknown')
      .describe('what the other system had learnt from, as far as one knows: results tables say it'),
  }),
  async fit({ userIds, itemIds }, { file }, { pathOf = (name) => name }) {
    if (!userIds || !itemIds) {
      throw new RangeError('proxy: userIds and itemIds must come with the data, got none; a file knows users by these');
    }
    const rows = await readRankingRows(pathOf(file), ['rank', 'score'], 'score');
    const { order, rowsByUser } = rankRows(rows);
    if (!userIds.some((user) => rowsByUser.has(user))) {
      throw new RangeError(
        `proxy: ${file} must have a list for some user of the data, got those of ${[...rowsByUser.keys()].slice(0, 3).join(', ')} ...; use the ids of the data`,
      );
    }
    const numbers = new Map(itemIds.map((id, item) => [id, item]));
    const { score } = rows.numbers;
    const placesOf = (user: string): Map<number, number> => {
      const places = new Map<number, number>();
      let place = 0;
      for (const [i, row] of (rowsByUser.get(user) ?? []).entries()) {
        const item = numbers.get(rows.items[row]);
        if (item === undefined) {
          throw new RangeError(
            `proxy: items of ${file} must be of the catalogue, got ${rows.items[row]} for user ${user}; make the lists from the same data`,
          );
        }
        const before = rowsByUser.get(user)![i - 1];
        if (order !== 'score' || i === 0 || score![row] !== score![before]) place = i + 1;
        places.set(item, place);
      }
      return places;
    };
    return sparseWeights('lists', sparseMatrix(userIds.map(placesOf), itemIds.length));
  },
  scorer(weights, { file }, facts) {
    const lists = sparseMatrixOf(weights, 'lists'); // [users, N] places
    return ({ histories, users }) => {
      if (!users)
        throw new RangeError(`proxy: users must be named, got histories alone; ${file} knows nothing of those`);
      const scores = new Float32Array(histories.length * facts.numItems).fill(-Infinity); // [B*N]
      for (const [b, user] of users.entries()) {
        const row = facts.rowOf(user);
        if (row === undefined) throw new RangeError(`proxy: users must be of the training data, got ${user}`);
        for (const [item, place] of rowOf(lists, row)) scores[b * facts.numItems + item] = -place;
      }
      return scores;
    };
  },
});
