import type { Population } from './population.js';

/** A number, one of each item or user ..., or null where there is none. */
export type Measured = number | readonly number[] | null;

/**
 * What is measured before any step and after each. A new one is one object: a name, and a function of the population.
 */
export interface Measurement {
  readonly name: string;
  measure(population: Population): Measured;
  /** The values whose distribution diagnostics describe, of what was measured last; null where there are none. */
  observations?(): Float64Array | null;
}
