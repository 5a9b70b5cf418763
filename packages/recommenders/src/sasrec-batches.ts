import { type Batch, type Sequences, sequenceBatches } from '@codebeam/data';
import { createGenerator, foldIn, type Key } from '@codebeam/random';
import type { TrainingData } from './define-recommender.js';
import { drawUnmet, metItems } from './negatives.js';
import { countItems } from './popularity.js';
import { createSampleCache, cumulativePopularity } from './sample-cache.js';
import type { SasrecConfig } from './sasrec.js';

/** What targets are compared with, where that is not all items. */
export interface SasrecSamples {
  /** K */
  count: number;
  /** [K] items that all targets share, or [S*K] those of the first target, then those of the second ... */
  negatives: Int32Array;
  /** [S], and one for each negative: what is taken off the scores. */
  corrections?: { targets: Float32Array; negatives: Float32Array };
}

/** A batch of whole sequences, and its samples unless the loss is over all items. */
export type SasrecBatch = Batch & { samples?: SasrecSamples };

/** One epoch: {@link sequenceBatches} with samples as the loss has them. */
export function sasrecBatches(
  { sequences, numItems }: Pick<TrainingData, 'sequences' | 'numItems'>,
  config: SasrecConfig & { batchSize: number; key: Key },
): Iterable<SasrecBatch> & { readonly size: number } {
  const plain = sequenceBatches(sequences, config);
  if (config.loss === 'cross-entropy') return plain;
  const key = foldIn(config.key, 1);
  function* batches(): Generator<SasrecBatch> {
    const sample =
      config.loss === 'bce'
        ? sampleUnmet(sequences, numItems, key)
        : sampleByPopularity(sequences, numItems, config, key);
    for (const batch of plain) yield { ...batch, samples: sample(batch) };
  }
  return { size: plain.size, [Symbol.iterator]: batches };
}

/** For each target an item that its user has not met; where all were met, any but the target. */
function sampleUnmet(sequences: Sequences, numItems: number, key: Key): (batch: Batch) => SasrecSamples {
  if (numItems < 2) {
    throw new RangeError(`sasrec: a catalogue must have at least 2 items for the loss bce, got ${numItems}`);
  }
  const met = metItems(sequences);
  const { integer } = createGenerator(key);
  return ({ histories, targets, users }) => {
    const owners = histories.flatMap(({ length }, i) => new Array<number>(length).fill(users[i])); // [S]
    const negatives = targets.map((target, i) => {
      const own = met[owners[i]];
      return drawUnmet(own.size < numItems ? own : new Set([target]), numItems, integer);
    });
    return { count: 1, negatives };
  };
}

/** Draws of a cache are made for so many at once. */
const drawnAhead = 256;

function sampleByPopularity(
  sequences: Sequences,
  numItems: number,
  { numSamples, sharedSamples, sampleAlpha, logq }: SasrecConfig,
  key: Key,
): (batch: Batch) => SasrecSamples {
  const counts = countItems(sequences, numItems);
  const cumulative = cumulativePopularity(counts, sampleAlpha);
  const next = createSampleCache(cumulative, { size: numSamples, steps: drawnAhead, key });
  // Up to a constant, which a softmax does not see, the log of the probability of being drawn.
  const correctionOf = (item: number) => logq * sampleAlpha * Math.log(counts[item]);
  return ({ targets }) => {
    const rows = sharedSamples ? 1 : targets.length;
    const negatives = new Int32Array(rows * numSamples);
    for (let row = 0; row < rows; row++) negatives.set(next(), row * numSamples);
    if (logq === 0) return { count: numSamples, negatives };
    const corrections = {
      targets: Float32Array.from(targets, correctionOf),
      negatives: Float32Array.from(negatives, correctionOf),
    };
    return { count: numSamples, negatives, corrections };
  };
}
