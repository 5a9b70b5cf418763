import type { Generator } from '@codebeam/random';

/**
 * Vectors of numbers, one a row: of users [U, A], of items [I, A]. T-RECS keeps items the other way round, [A, I]; here what is one
 * user's or one item's lies together, and more of them are appended.
 */
export interface Profiles {
  rows: number;
  /** A, numbers of a row. */
  width: number;
  /** [rows*width] row major */
  values: Float64Array;
}

/** Profiles of one value everywhere, 0 when left out. */
export function filledProfiles(rows: number, width: number, value = 0): Profiles {
  return { rows, width, values: new Float64Array(rows * width).fill(value) };
}

/**
 * Profiles from rows of numbers.
 *
 * @throws RangeError when rows differ in length
 */
export function profilesOf(rows: readonly ArrayLike<number>[]): Profiles {
  const width = rows[0]?.length ?? 0;
  const profiles = filledProfiles(rows.length, width);
  for (const [row, values] of rows.entries()) {
    if (values.length !== width) {
      throw new RangeError(`simulation: row ${row} of profiles must have ${width} numbers, got ${values.length}`);
    }
    profiles.values.set(values, row * width);
  }
  return profiles;
}

/** Numbers from N(0, 1), as T-RECS draws users; a row of zeros is no direction, and is drawn again. */
export function normalProfiles(rows: number, width: number, random: Generator): Profiles {
  return drawProfiles(rows, width, () => random.normal());
}

/** Numbers from U[0, 1), as T-RECS draws creators. */
export function uniformProfiles(rows: number, width: number, random: Generator): Profiles {
  return drawProfiles(rows, width, () => random.uniform());
}

/** Each number 1 with a probability, else 0, as T-RECS draws items of content filtering. Rows of zeros stay. */
export function bernoulliProfiles(rows: number, width: number, random: Generator, probability = 0.5): Profiles {
  const profiles = filledProfiles(rows, width);
  for (let at = 0; at < profiles.values.length; at++) profiles.values[at] = random.uniform() < probability ? 1 : 0;
  return profiles;
}

function drawProfiles(rows: number, width: number, draw: () => number): Profiles {
  const profiles = filledProfiles(rows, width);
  for (let row = 0; row < rows; row++) {
    const profile = profileOf(profiles, row);
    do for (let a = 0; a < width; a++) profile[a] = draw();
    while (width > 0 && profile.every((value) => value === 0));
  }
  return profiles;
}

/** Row `row` itself, not a copy. */
export function profileOf({ values, width }: Profiles, row: number): Float64Array {
  return values.subarray(row * width, (row + 1) * width);
}

export function copyProfiles({ rows, width, values }: Profiles): Profiles {
  return { rows, width, values: values.slice() };
}

/**
 * Appends rows to profiles, in place.
 *
 * @param what  they are, for the message
 * @throws RangeError when widths differ
 */
export function appendProfiles(profiles: Profiles, more: Profiles, what: string): void {
  checkWidth(profiles, more, what);
  const values = new Float64Array(profiles.values.length + more.values.length);
  values.set(profiles.values);
  values.set(more.values, profiles.values.length);
  profiles.values = values;
  profiles.rows += more.rows;
}

/** Throws as {@link appendProfiles} does. */
export function checkWidth({ width }: Profiles, more: Profiles, what: string): void {
  if (more.width === width) return;
  throw new RangeError(`simulation: new ${what} must have ${width} attributes like those there are, got ${more.width}`);
}

/** Whether two rows hold the same numbers. */
export function isSameProfile({ values, width }: Profiles, a: number, b: number): boolean {
  for (let left = a * width, right = b * width; left < (a + 1) * width; left++, right++) {
    if (values[left] !== values[right]) return false;
  }
  return true;
}

export function dotProduct(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Euclidean length. */
export function normOf(vector: ArrayLike<number>): number {
  return Math.sqrt(dotProduct(vector, vector));
}
