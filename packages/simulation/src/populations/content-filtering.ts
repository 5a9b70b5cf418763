import { countInteractions } from './interaction-counts.js';
import { solveNonnegative } from './nonnegative-least-squares.js';
import { appendProfiles, bernoulliProfiles, copyProfiles, filledProfiles, type Profiles } from './profiles.js';
import type { Model } from './system.js';

export interface ContentFilteringOptions {
  /** A; 1000 when left out. */
  numAttributes?: number;
  /** [I, A] what items are; attributes drawn, each there with probability .5, when left out. */
  items?: Profiles;
  /** [U, A] what users are taken for at first; zeros when left out, so that the first lists are random. */
  users?: Profiles;
}

/**
 * Learns what attributes each user likes: the profile that, non-negative, explains best how often they met each item by the items'
 * attributes. What items are is known, new ones included.
 */
export function contentFiltering({ numAttributes = 1000, ...given }: ContentFilteringOptions = {}): Model {
  return ({ numUsers, numItems, random }) => {
    const items = given.items ? copyProfiles(given.items) : bernoulliProfiles(numItems, numAttributes, random);
    const { width } = items;
    const users = given.users ? copyProfiles(given.users) : filledProfiles(numUsers, width);
    const counts = countInteractions(numUsers);
    let gram: Float64Array | undefined; // [A*A] of items, until there are new ones
    let isNew = false;
    return {
      users,
      items,
      update(interactions) {
        counts.add(interactions);
        isNew = true;
      },
      train() {
        if (!isNew) return;
        isNew = false;
        gram ??= productOfColumns(items);
        for (const [user, row] of counts.rows.entries()) {
          if (row.size === 0) continue;
          const products = new Float64Array(width);
          for (const [item, count] of row) {
            for (let a = 0; a < width; a++) products[a] += count * items.values[item * width + a];
          }
          const profile = users.values.subarray(user * width, (user + 1) * width);
          // One more interaction changes little: what was positive is where to begin.
          const positive = Array.from(profile.keys()).filter((a) => profile[a] > 0);
          profile.set(solveNonnegative(gram, products, positive));
        }
      },
      addItems(added) {
        appendProfiles(items, added, 'items');
        gram = undefined;
        isNew = counts.rows.some((row) => row.size > 0);
      },
      addUsers(added) {
        appendProfiles(users, filledProfiles(added.rows, width), 'users');
        counts.addUsers(added.rows);
      },
    };
  };
}

/** [A*A] M'M of [I, A]. */
function productOfColumns({ rows, width, values }: Profiles): Float64Array {
  const product = new Float64Array(width * width);
  const present = new Int32Array(width);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let size = 0;
    for (let a = 0; a < width; a++) if (values[start + a] !== 0) present[size++] = a;
    for (let left = 0; left < size; left++) {
      const own = present[left] * width;
      const value = values[start + present[left]];
      for (let right = 0; right <= left; right++) {
        product[own + present[right]] += value * values[start + present[right]];
      }
    }
  }
  for (let a = 0; a < width; a++) for (let b = 0; b < a; b++) product[b * width + a] = product[a * width + b];
  return product;
}
