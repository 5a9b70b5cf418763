import { type SparseMatrix, sparseMatrix } from '@codebeam/data';
import { countInteractions } from './interaction-counts.js';
import { appendProfiles, filledProfiles, normalProfiles, profileOf } from './profiles.js';
import type { Model } from './system.js';

/** Factors of who met what. */
export interface Factors {
  /** [U*D] */
  users: Float64Array;
  /** [I*D] */
  items: Float64Array;
}

/** Factorises counts of interactions, [U, I]. */
export type Factorize = (counts: SparseMatrix, factors: number) => Factors | Promise<Factors>;

export interface ImplicitMfOptions {
  /**
   * What finds the factors. An argument, because the package that knows alternating least squares (`factorizeImplicit` of
   * `@codebeam/recommenders`) comes after this one, and one such solver is enough.
   */
  factorize: Factorize;
  /** D; 10 when left out. */
  factors?: number;
}

/**
 * Matrix factorisation of the interactions of the current run. As in T-RECS, runs train nothing between steps unless they are told to
 * (run some startup steps, then train), each run forgets the interactions of earlier ones, and those without an interaction keep the factors
 * they have: from N(0, 1) at first; a new item has the mean of the items that were met when the model was trained.
 */
export function implicitMf({ factorize, factors = 10 }: ImplicitMfOptions): Model {
  return ({ numUsers, numItems, random }) => {
    const users = normalProfiles(numUsers, factors, random);
    const items = normalProfiles(numItems, factors, random);
    const counts = countInteractions(numUsers);
    let meanItem = new Float64Array(factors);
    return {
      users,
      items,
      runDefaults: { trainBetweenSteps: false },
      begin: () => counts.clear(),
      update: (interactions) => counts.add(interactions),
      async train() {
        if (counts.rows.every((row) => row.size === 0)) return;
        const found = await factorize(sparseMatrix(counts.rows, items.rows), factors);
        const met = new Set<number>();
        for (const [user, row] of counts.rows.entries()) {
          if (row.size === 0) continue;
          profileOf(users, user).set(found.users.subarray(user * factors, (user + 1) * factors));
          for (const item of row.keys()) met.add(item);
        }
        meanItem = new Float64Array(factors);
        for (const item of met) {
          const own = found.items.subarray(item * factors, (item + 1) * factors);
          profileOf(items, item).set(own);
          for (let d = 0; d < factors; d++) meanItem[d] += own[d] / met.size;
        }
      },
      addItems(added) {
        const means = filledProfiles(added.rows, factors);
        for (let item = 0; item < added.rows; item++) means.values.set(meanItem, item * factors);
        appendProfiles(items, means, 'items');
      },
      addUsers(added, _options, random) {
        appendProfiles(users, normalProfiles(added.rows, factors, random), 'users');
        counts.addUsers(added.rows);
      },
    };
  };
}
