import { tf } from './tf.js';

const precisions = ['float32', 'bfloat16', 'bfloat16x3'] as const;

/**
 * How matrix products round their inputs; parameters, sums and everything else are float32 in any case.
 *
 * - `float32`: not at all.
 * - `bfloat16`: to 8 bits, which moves a product a b by up to 2^-7 |a b|.
 * - `bfloat16x3`: to a sum of two bfloat16, multiplied in three products. It moves a b by up to 3 * 2^-16 |a b|, and a sum of products
 *   by so much of the sum of their magnitudes: between the other two in exactness and, on tile registers, in time. Henry, Tang &
 *   Heinecke 2019, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations". Without tile
 *   registers it is float32, and so are products that have no kernel for it. An infinite input makes a NaN.
 */
export type Precision = (typeof precisions)[number];

/** The part of the native backend that this is about. */
interface WithPrecision {
  precision: Precision;
}

/** What the backend in use computes in when asked for a precision: only native has any but float32. */
export function availablePrecision(precision: Precision): Precision {
  return tf.getBackend() === 'native' ? precision : 'float32';
}

/** The precision of the backend in use. */
export function getPrecision(): Precision {
  return tf.getBackend() === 'native' ? (tf.backend() as unknown as WithPrecision).precision : 'float32';
}

/**
 * Sets the precision of the backend in use until it is set again. Backends other than native go on in float32.
 *
 * @returns the precision in effect
 * @throws RangeError for any other word
 */
export function setPrecision(precision: Precision): Precision {
  if (!precisions.includes(precision)) {
    throw new RangeError(`backend: precision must be ${precisions.join(', ')}, got ${precision}; choose one of them`);
  }
  if (tf.getBackend() === 'native') (tf.backend() as unknown as WithPrecision).precision = precision;
  return availablePrecision(precision);
}

/** What f returns when it runs, at once, in a precision; in the one that is set when left out. */
export function withPrecision<T>(precision: Precision | undefined, f: () => T): T {
  const before = getPrecision();
  setPrecision(precision ?? before);
  try {
    return f();
  } finally {
    setPrecision(before);
  }
}
