import { tf } from '@codebeam/backend';
import type { Key } from '@codebeam/random';
import { normal } from './initialise.js';

/** weight [buckets, H]: a learned score per head and distance bucket, shared by all layers of a stack. */
export type RelativePositionBias = { weight: tf.Tensor2D };

export interface RelativePositions {
  /** Distances are put into this many buckets: half of them exact, half logarithmic. T5: 32. */
  buckets: number;
  /** Distances from here on share the last bucket. T5: 128. */
  maxDistance: number;
  /** Encoders look both ways (half of the buckets each), decoders only back. */
  bidirectional: boolean;
}

export function initRelativePositionBias(
  key: Key,
  buckets: number,
  heads: number,
  modelWidth: number,
): RelativePositionBias {
  return { weight: normal<tf.Rank.R2>(key, [buckets, heads], modelWidth ** -0.5) };
}

/**
 * The bucket of a distance. Raffel et al. 2020 (T5), sec. 2.1.
 *
 * @param distance  key position - query position
 * @returns         integer in [0, buckets)
 */
export function relativePositionBucket(
  distance: number,
  { buckets, maxDistance, bidirectional }: RelativePositions,
): number {
  const half = bidirectional ? buckets / 2 : buckets;
  const first = bidirectional && distance > 0 ? half : 0;
  const back = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
  const exact = half / 2;
  if (back >= maxDistance) return first + half - 1; // first, as T5's formula has a sense only where maxDistance is more than exact
  if (back < exact) return first + back;
  const logarithmic = exact + Math.floor((Math.log(back / exact) / Math.log(maxDistance / exact)) * (half - exact));
  return first + logarithmic;
}

/**
 * What every distance adds to a score, for up to Q queries and S keys.
 *
 * @returns bias [H, Q+S-1]; column zeroDistance + key position - query position is that of a pair
 */
export function relativePositionBias(
  { weight }: RelativePositionBias,
  queries: number,
  keys: number,
  positions: RelativePositions,
): { bias: tf.Tensor2D; zeroDistance: number } {
  const zeroDistance = queries - 1;
  const buckets = Int32Array.from({ length: queries + keys - 1 }, (_, column) =>
    relativePositionBucket(column - zeroDistance, positions),
  );
  return { bias: tf.transpose(tf.gather(weight, tf.tensor1d(buckets, 'int32'))), zeroDistance };
}
