import { type Sequences, sequenceOf } from '@codebeam/data';
import type { Recommender } from '@codebeam/eval';
import type { Teacher } from '@codebeam/trainers';

/**
 * What a recommender would answer to every history that a training sequence begins with, as targets for another model.
 *
 * Scores are taken for logits of the list: log-probabilities and inner products are such, counts are not.
 *
 * @param sequences  the training part of the split
 * @param size       K, items kept for each history
 */
export async function askTeacher(
  recommender: Recommender,
  sequences: Sequences,
  { size = 50, batchSize = 4096 }: { size?: number; batchSize?: number } = {},
): Promise<Teacher> {
  const { offsets, items: all } = sequences;
  const histories: { place: number; history: Int32Array }[] = [];
  for (let user = 0; user + 1 < offsets.length; user++) {
    const sequence = sequenceOf(sequences, user);
    for (let end = 1; end < sequence.length; end++) {
      histories.push({ place: offsets[user] + end, history: sequence.subarray(0, end) });
    }
  }
  const items = new Int32Array(all.length * size);
  const cumulative = new Float32Array(all.length * size);
  for (let start = 0; start < histories.length; start += batchSize) {
    const batch = histories.slice(start, start + batchSize);
    const lists = await recommender.recommend(
      batch.map(({ history }) => history),
      size,
      { maskHistory: true },
    );
    for (const [row, { place }] of batch.entries()) {
      items.set(lists.items.subarray(row * size, (row + 1) * size), place * size);
      cumulative.set(cumulativeSoftmax(lists.scores.subarray(row * size, (row + 1) * size)), place * size);
    }
  }
  return { size, items, cumulative };
}

/** Entries of score -Infinity, where a list has ended, add nothing; the last of the others is 1, whatever was rounded. */
function cumulativeSoftmax(scores: Float32Array): Float32Array {
  const last = scores.findLastIndex((score) => score > -Infinity);
  if (last < 0) return new Float32Array(scores.length);
  const weights = scores.map((score) => Math.exp(score - scores[0]));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const cumulative = weights.map((weight) => {
    sum += weight;
    return sum / total;
  });
  cumulative.fill(1, last);
  return cumulative;
}
