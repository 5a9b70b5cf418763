import { tf } from './tf.js';

/** How matrix products round their inputs; parameters, sums and everything else are float32 in either case. */
export type Precision = 'float32' | 'bfloat16';

/** The part of the native backend that this is about. */
interface WithPrecision {
  precision: Precision;
}

/** What the backend in use computes in when asked for a precision: only native has bfloat16. */
export function availablePrecision(precision: Precision): Precision {
  return tf.getBackend() === 'native' ? precision : 'float32';
}

/** The precision of the backend in use. */
export function getPrecision(): Precision {
  return tf.getBackend() === 'native' ? (tf.backend() as unknown as WithPrecision).precision : 'float32';
}

/**
 * Sets the precision of the backend in use until it is set again. A backend without bfloat16 goes on in float32.
 *
 * @returns the precision in effect
 * @throws RangeError for any other word
 */
export function setPrecision(precision: Precision): Precision {
  if (precision !== 'float32' && precision !== 'bfloat16') {
    throw new RangeError(`backend: precision must be float32 or bfloat16, got ${precision}; choose one of them`);
  }
  if (tf.getBackend() === 'native') (tf.backend() as unknown as WithPrecision).precision = precision;
  return availablePrecision(precision);
}
