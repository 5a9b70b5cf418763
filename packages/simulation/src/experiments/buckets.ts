import murmurhash from 'murmurhash';
import { treatmentName } from '../sessions/event-log.js';

/** Users are split into as many groups as there are ways; group 0 is the control. */
export interface Experiment {
  name: string;
  /** Treatments with the control. botify's splits have 2, 3, 4, 5, 7, 8 and 9. */
  ways: number;
}

/** MurmurHash3, x86, 32 bits, of the UTF-8 bytes of a text: an integer in [0, 2^32). Appleby 2011. */
export function murmur3(text: string, seed = 0): number {
  return murmurhash.v3(text, seed);
}

/**
 * The group of a user: murmur3(user, murmur3(name)) mod ways. Experiments of different names split users independently.
 *
 * @returns an integer in [0, ways), 0 for the control
 * @throws RangeError when there are not two ways at least
 */
export function bucketOf({ name, ways }: Experiment, user: number | string): number {
  checkWays(name, ways);
  return murmur3(String(user), murmur3(name)) % ways;
}

/** `C`, `T1`, `T2` ...: the treatment of a user. */
export function treatmentOf(experiment: Experiment, user: number | string): string {
  return treatmentName(bucketOf(experiment, user));
}

/** {@link bucketOf} of users from 0 to `numUsers` - 1. */
export function bucketsOf({ name, ways }: Experiment, numUsers: number): Int8Array {
  checkWays(name, ways);
  const seed = murmur3(name);
  return Int8Array.from({ length: numUsers }, (_, user) => murmur3(String(user), seed) % ways);
}

const maxWays = 100;

function checkWays(name: string, ways: number): void {
  if (Number.isInteger(ways) && ways >= 2 && ways <= maxWays) return;
  throw new RangeError(
    `simulation: ways of experiment ${name} must be an integer from 2 to ${maxWays}, got ${ways}; count the control`,
  );
}
