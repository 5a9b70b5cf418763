import type { Batch } from '@codebeam/data';
import { createGenerator, type Key } from '@codebeam/random';

/**
 * What another model would recommend where a training sequence goes on, and how probable it thinks each: targets drawn from it carry what
 * that model knows. Hinton et al. 2015, "Distilling the Knowledge in a Neural Network".
 */
export interface Teacher {
  /** K */
  size: number;
  /** [n, K] for each of the n items of the training sequences, what might have stood in its place. */
  items: Int32Array;
  /** [n, K] probability of an item or one before it; 1 at last, 0 in a row that has no history before it. */
  cumulative: Float32Array;
}

/**
 * A batch's targets, of which a share is the teacher's: each is drawn from what it thinks of that history.
 *
 * @param share  of the targets, in [0, 1]
 * @param key    of this step
 */
export function drawTargets({ targets, places }: Batch, teacher: Teacher, share: number, key: Key): Int32Array {
  const { size, items, cumulative } = teacher;
  const generator = createGenerator(key);
  return targets.map((target, i) => {
    const [isDrawn, at] = [generator.uniform() < share, generator.uniform()];
    if (!isDrawn) return target;
    const first = places[i] * size;
    const place = cumulative.subarray(first, first + size).findIndex((probability) => at < probability);
    return place < 0 ? target : items[first + place];
  });
}
