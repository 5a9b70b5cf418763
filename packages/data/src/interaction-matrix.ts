import { type Interactions, rowsByUser, rowsInTime } from './interactions.js';
import { type SparseMatrix, sparseMatrix } from './sparse-matrix.js';

/**
 * Who met what: users × items, with a row for every user and a column for every item that has an id.
 *
 * @param feedback  implicit: 1 where a pair occurs, however often; explicit: the pair's rating, of several the latest
 *   (of equally late ones the last in the file)
 * @throws RangeError when feedback is explicit and there are no ratings
 */
export function interactionMatrix(interactions: Interactions, feedback: 'implicit' | 'explicit'): SparseMatrix {
  const { items, ratings, itemIds } = interactions;
  if (feedback === 'explicit' && ratings === undefined) {
    throw new RangeError(
      'data: explicit feedback must have a rating in every row, got rows without; name the column of ratings, or take implicit feedback',
    );
  }
  const { offsets, rows } = rowsByUser(interactions, rowsInTime(interactions));
  function* entriesOfUsers() {
    for (let user = 0; user + 1 < offsets.length; user++) {
      const own = rows.subarray(offsets[user], offsets[user + 1]);
      yield new Map(Array.from(own, (row) => [items[row], feedback === 'explicit' ? ratings![row] : 1]));
    }
  }
  return sparseMatrix(entriesOfUsers(), itemIds.length);
}
