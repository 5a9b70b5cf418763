import { dotProduct, isSameProfile, normOf, type Profiles, profileOf } from './profiles.js';

/**
 * How well items go with users. Called once for items as they are, it returns what scores them for one user after another: what all
 * users share (norms, a transposed copy) is computed once.
 */
export type ScoreFunction = (items: Profiles) => ItemScores;

export interface ItemScores {
  /** Writes one score per item, none of them NaN. A function of the profile and the items alone. */
  (profile: Float64Array, scores: Float64Array): void;
  /** The score of one item, where that is less work than those of all. */
  at?(profile: Float64Array, item: number): number;
}

/** A score function of one user's and one item's profile. */
export function pairwise(score: (user: Float64Array, item: Float64Array) => number): ScoreFunction {
  return (items) => {
    const rows = Array.from({ length: items.rows }, (_, item) => profileOf(items, item));
    const each = (profile: Float64Array, scores: Float64Array) => {
      for (let item = 0; item < rows.length; item++) scores[item] = score(profile, rows[item]);
    };
    return Object.assign(each, { at: (profile: Float64Array, item: number) => score(profile, rows[item]) });
  };
}

/** The cosine of the angle between user and item; 0 where either is all zeros. */
export const cosineSimilarity: ScoreFunction = pairwise((user, item) => {
  const norms = normOf(user) * normOf(item);
  return norms === 0 ? 0 : dotProduct(user, item) / norms;
});

/**
 * T-RECS' default, of system and users: the inner product with the user's profile scaled to length 1; one of zeros stays zeros. The
 * item's profile is taken as it is.
 */
export const innerProduct: ScoreFunction = (items) => {
  const { rows, width } = items;
  const columns = transposed(items); // [A*I]
  const each = (profile: Float64Array, scores: Float64Array) => {
    checkWidth(profile, width);
    const scale = scaleOf(profile);
    scores.fill(0);
    // Four attributes at a time, each sum in order of the attributes: one read and one write of a score instead of four. Zeros add nothing.
    const used: number[] = [];
    for (let a = 0; a < width; a++) if (profile[a] !== 0) used.push(a);
    let next = 0;
    for (; next + 4 <= used.length; next += 4) {
      const [p, q, r, s] = [used[next], used[next + 1], used[next + 2], used[next + 3]];
      const [x, y, z, w] = [profile[p] * scale, profile[q] * scale, profile[r] * scale, profile[s] * scale];
      const [i, j, k, l] = [p * rows, q * rows, r * rows, s * rows];
      for (let item = 0; item < rows; item++) {
        scores[item] =
          scores[item] + x * columns[i + item] + y * columns[j + item] + z * columns[k + item] + w * columns[l + item];
      }
    }
    for (; next < used.length; next++) {
      const value = profile[used[next]] * scale;
      const start = used[next] * rows;
      for (let item = 0; item < rows; item++) scores[item] += value * columns[start + item];
    }
  };
  const at = (profile: Float64Array, item: number) => {
    checkWidth(profile, width);
    const scale = scaleOf(profile);
    let sum = 0;
    for (let a = 0; a < width; a++) sum += profile[a] * scale * columns[a * rows + item];
    return sum;
  };
  return Object.assign(each, { at });
};

function checkWidth(profile: Float64Array, width: number): void {
  if (profile.length !== width) {
    throw new RangeError(
      `simulation: users must have as many attributes as items (${width}), got ${profile.length}; make their profiles alike`,
    );
  }
}

function scaleOf(profile: Float64Array): number {
  const norm = normOf(profile);
  return norm === 0 ? 0 : 1 / norm;
}

function transposed({ rows, width, values }: Profiles): Float64Array {
  if (width === 1) return values.slice();
  const columns = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let a = 0; a < width; a++) columns[a * rows + row] = values[row * width + a];
  }
  return columns;
}

/** Scores of users by number, all items at a time: nothing of the size U x I is ever held. */
export interface Scorer {
  /** Writes one score per item, [I]. */
  write(user: number, scores: Float64Array): void;
  /** Scores of a few items. */
  writeOf(user: number, items: ArrayLike<number>, scores: Float64Array): void;
  /** Whether two users are known to have the same scores, so that what was computed for one serves the other. */
  isSame(a: number, b: number): boolean;
}

/** A score function on users' and items' profiles as they are: what changes in items later needs another scorer. */
export function profileScorer(users: Profiles, items: Profiles, scoreFn: ScoreFunction): Scorer {
  const scoreItems = scoreFn(items);
  return {
    write: (user, scores) => scoreItems(profileOf(users, user), scores),
    writeOf: scoreItems.at
      ? (user, some, scores) => {
          const profile = profileOf(users, user);
          for (let place = 0; place < some.length; place++) scores[place] = scoreItems.at!(profile, some[place]);
        }
      : fromWhole(items.rows, (user, scores) => scoreItems(profileOf(users, user), scores)),
    isSame: (a, b) => isSameProfile(users, a, b),
  };
}

/** Scores of any kind as a scorer. */
export function scorerOf(numItems: number, write: Scorer['write']): Scorer {
  return { write, writeOf: fromWhole(numItems, write), isSame: () => false };
}

function fromWhole(numItems: number, write: Scorer['write']): Scorer['writeOf'] {
  const whole = new Float64Array(numItems);
  return (user, items, scores) => {
    write(user, whole);
    for (let place = 0; place < items.length; place++) scores[place] = whole[items[place]];
  };
}
