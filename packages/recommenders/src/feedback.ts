import { type Sequences, type SparseMatrix, sequenceOf, sparseMatrix } from '@codebeam/data';
import { z } from 'zod';

/** What an interaction is worth to a model of the user-item matrix. */
export const feedbackSchema = z
  .enum(['implicit', 'explicit'])
  .default('implicit')
  .describe('implicit: 1 for what a user has met, once or often; explicit: what the user rated it last');
export type Feedback = z.output<typeof feedbackSchema>;

/** One row of the user-item matrix: what a history is worth, by item. */
export function valuesOf(
  history: Int32Array,
  ratings: Float32Array | undefined,
  feedback: Feedback,
): Map<number, number> {
  const values = new Map<number, number>();
  for (const [place, item] of history.entries())
    values.set(item, feedback === 'explicit' ? (ratings?.[place] ?? 1) : 1);
  return values;
}

/**
 * [users, N] the user-item matrix of the training data.
 *
 * @throws RangeError when feedback is explicit and there are no ratings
 */
export function userItemMatrix(
  { sequences, ratings, numItems }: { sequences: Sequences; ratings?: Float32Array; numItems: number },
  feedback: Feedback,
): SparseMatrix {
  if (feedback === 'explicit' && !ratings) {
    throw new RangeError(
      'recommenders: explicit feedback must come with ratings, got none; bring data with ratings or fit with feedback implicit',
    );
  }
  function* rows() {
    for (let user = 0; user + 1 < sequences.offsets.length; user++) {
      const own = ratings?.subarray(sequences.offsets[user], sequences.offsets[user + 1]);
      yield valuesOf(sequenceOf(sequences, user), own, feedback);
    }
  }
  return sparseMatrix(rows(), numItems);
}

/**
 * A matrix of feedback for models to which it is a weight: a share, a confidence.
 *
 * @throws RangeError naming the first value below 0
 */
export function positive(model: string, matrix: SparseMatrix): SparseMatrix {
  const negative = matrix.values.find((value) => value < 0);
  if (negative === undefined) return matrix;
  throw new RangeError(
    `${model}: ratings must be 0 or more, got ${negative}; move their scale or fit with feedback implicit`,
  );
}
